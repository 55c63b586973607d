/** `npm run bench -- NAME`: one measurement, printed as a table. */
import people from "./people.ts";
import stages from "./stages.ts";

const benches: Record<string, () => Promise<number>> = { people, stages };

const bench = benches[process.argv[2] ?? ""];
if (bench === undefined)
  console.error(`npm run bench -- NAME, where NAME is one of ${Object.keys(benches).join(", ")}`);
const { exit } = process;
exit(bench === undefined ? 64 : await bench());
