import { randomBytes } from "node:crypto";
import { defineCommand } from "citty";
import { print } from "../output.ts";

export default defineCommand({
  meta: { name: "token", description: "Print a new random token for http.token" },
  run: () => print(randomBytes(32).toString("base64url")),
});
