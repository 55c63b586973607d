import { heapStats } from "bun:jsc";

/** What is alive in this process. */
export function heapBytes(): number {
  Bun.gc(true);
  return heapStats().heapSize;
}
