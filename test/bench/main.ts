/** `npm run bench -- NAME`: one measurement, printed as a table. Each has options of its own. */
const benches: Record<string, () => Promise<{ default: () => Promise<number> }>> = {
  ledger: () => import("./ledger.ts"),
  people: () => import("./people.ts"),
  photos: () => import("./photos.ts"),
  scale: () => import("./scale.ts"),
  stages: () => import("./stages.ts"),
};

const bench = benches[process.argv[2] ?? ""];
if (bench === undefined)
  console.error(`npm run bench -- NAME, where NAME is one of ${Object.keys(benches).join(", ")}`);
const { exit } = process;
exit(bench === undefined ? 64 : await (await bench()).default());

export {};
