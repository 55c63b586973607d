import { fuzz } from "./bad-input.ts";

for (const broker of ["embedded", "rabbitmq"] as const)
  fuzz({ good: 500, bad: 2000, broker, leastSpeed: 0.8, timeoutMs: 900_000 });
