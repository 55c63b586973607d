import type { BunPlugin } from "bun";

/** What a string literal of the source holds once its escapes are read, as far as it matters here. */
const unescaped = (source: string) =>
  source
    .replace(/\\\r?\n/g, "")
    .replace(/\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|x([0-9a-f]{2}))/gi, (_, long, short, byte) =>
      String.fromCodePoint(Math.min(Number.parseInt(long ?? short ?? byte, 16), 0x10ffff)),
    )
    .replaceAll("\\", "");

/** A macro is run by the bundler, so before anybody has looked at the rights of the file that it is in. */
export const withoutMacros: BunPlugin = {
  name: "without-macros",
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
      if (/["'`]macro[:"'`]/.test(unescaped(await Bun.file(path).text())))
        throw new Error(`${path} imports a macro, which would run while the stage is read; import it without`);
      return undefined;
    });
  },
};
