import { testOutages } from "./hikcentral-down.ts";

testOutages();
