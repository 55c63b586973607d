import { fuzz } from "./bad-input.ts";

fuzz({ good: 50, bad: 200, broker: "embedded", timeoutMs: 60_000 });
