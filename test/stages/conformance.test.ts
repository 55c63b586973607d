import { builtins } from "../../src/builtin.ts";
import { conformance } from "../../src/stages/conformance.ts";

for (const stage of Object.values(builtins)) conformance(stage, { stages: Object.values(builtins) });
