import { furtherRuns } from "./further-runs.ts";

for (const broker of ["embedded", "rabbitmq"]) furtherRuns({ people: 60, twice: 18, odd: 5, unusable: 3, broker });
