/** valibot, and the one schema of ours. */
export * from "valibot";
export { secret } from "./secret.ts";
