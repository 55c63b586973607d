import { histories } from "./model.ts";

histories(3_000, 3_600_000);
