import { version } from "../package.json";

export { version };

/** Set by build.ts where it builds from a commit. */
declare const BUILD_COMMIT: string | undefined;
const commit = typeof BUILD_COMMIT === "string" ? `${BUILD_COMMIT}, ` : "";

/** `hikvision-sync 0.1.0 (0123456789ab, bun 1.4.5, linux x64)` */
export const versionText = `hikvision-sync ${version} (${commit}bun ${Bun.version}, ${process.platform} ${process.arch})`;
