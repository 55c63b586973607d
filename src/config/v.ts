/** valibot, with our own schema `secret`. */
export * from "valibot";
export { secret } from "./secret.ts";
