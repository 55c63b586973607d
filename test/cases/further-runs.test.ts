import { furtherRuns } from "./further-runs.ts";

furtherRuns({ people: 60, twice: 18, odd: 5, unusable: 3, broker: "embedded" });
