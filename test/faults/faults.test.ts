import { testStorms } from "./storms.ts";

testStorms(3);
