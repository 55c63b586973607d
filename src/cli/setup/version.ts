import { defineCommand } from "citty";
import { versionText } from "../../version.ts";
import { print } from "../output.ts";

export default defineCommand({
  meta: { name: "version", description: "Show the version" },
  run: () => print(versionText),
});
