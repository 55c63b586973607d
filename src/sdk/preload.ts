/** The preload of a stage's test: this program's modules under the names that stages import. */
import { plugin } from "bun";
import * as stage from "../stage.ts";
import * as testing from "./testing.ts";

plugin({
  name: "hikvision-sync",
  setup(build) {
    build.module("hikvision-sync", () => ({ loader: "object", exports: stage }));
    build.module("hikvision-sync/testing", () => ({ loader: "object", exports: testing }));
  },
});
