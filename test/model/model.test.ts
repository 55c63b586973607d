import { histories } from "./model.ts";

histories(300, 600_000);
