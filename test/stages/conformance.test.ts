import { builtins } from "../../src/registry/builtin.ts";
import { conformance } from "../../src/sdk/conformance.ts";

for (const stage of Object.values(builtins)) conformance(stage, { stages: Object.values(builtins) });
