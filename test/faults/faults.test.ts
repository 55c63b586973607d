import { testStorms } from "./storms.ts";

testStorms(2);
