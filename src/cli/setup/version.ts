import { defineCommand } from "citty";
import { versionText } from "../../version.ts";
import { print } from "../output.ts";

export default defineCommand({
  meta: { name: "version", description: "Say which version this is" },
  run: () => print(versionText),
});
