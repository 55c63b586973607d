import { furtherRuns } from "./further-runs.ts";

for (const broker of ["embedded", "rabbitmq"]) furtherRuns({ people: 300, twice: 90, odd: 16, unusable: 9, broker });
