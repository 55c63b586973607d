import { decodePhotos } from "../../src/upstreams/decoder/decoder-process.ts";

// What the daemons in a test's process start: the main program would first load and compile what a decoder does not need.
await decodePhotos();
