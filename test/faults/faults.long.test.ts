import { testStorms } from "./storms.ts";

testStorms(10, { minutes: 5 });
