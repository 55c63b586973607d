import { defineCommand } from "citty";
import { versionText } from "../../version.ts";
import { say } from "../run.ts";

export default defineCommand({
  meta: { name: "version", description: "Say which version this is" },
  run: () => say(versionText),
});
