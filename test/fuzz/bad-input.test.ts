import { fuzz } from "./bad-input.ts";

fuzz({ good: 30, bad: 120, broker: "embedded", timeoutMs: 60_000 });
