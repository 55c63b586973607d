import { makeSdkArchive } from "../../packaging/sdk-archive.ts";

/** Run from source it is made when it is needed; build.ts puts the finished one in place of this file. */
export const sdkBytes = (): Promise<Uint8Array> => makeSdkArchive();
