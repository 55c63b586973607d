import { testDemo } from "./demo.ts";

testDemo("on the embedded queue with the original's 1,543", 1543, "");
