/** A closed pipe, e.g. by `head`, is not an error. n.b. The first look at process.stdout takes 15 ms. */
export function ignoreClosedPipes(): void {
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
}
