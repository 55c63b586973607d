import { makeKit } from "../../packaging/sdk-archive.ts";

/** Run from source it is made when it is needed; build.ts puts the finished one in place of this file. */
export const kitBytes = (): Promise<Uint8Array> => makeKit();
