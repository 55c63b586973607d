import { dlopen } from "bun:ffi";

let convert: ((seconds: BigInt64Array, fields: Int32Array) => unknown) | undefined;

/** `14:05:09` at this machine. n.b. A Date takes 14 ms for its first local time, and the start logs many; libc takes none. */
export function localTime(at: Date): string {
  convert ??= dlopen("libc.so.6", { localtime_r: { args: ["ptr", "ptr"], returns: "ptr" } }).symbols.localtime_r;
  // A `struct tm`: seconds, minutes and hours come first.
  const fields = new Int32Array(16);
  convert(BigInt64Array.of(BigInt(Math.floor(at.getTime() / 1_000))), fields);
  const [seconds = 0, minutes = 0, hours = 0] = fields;
  return [hours, minutes, seconds].map((part) => String(part).padStart(2, "0")).join(":");
}
