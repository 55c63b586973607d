import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packages } from "../package-lock.json";

const root = join(import.meta.dir, "..");

/** The licence of the program, then those of what is compiled into it. */
export function copyright(): string {
  const own = readFileSync(join(root, "LICENSE"), "utf8");
  const libraries = Object.entries(packages as Record<string, Library>)
    .filter(([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional && existsSync(join(root, path)))
    .map(([path, { version, license }]) => {
      const title = `${path.replace(/^.*node_modules\//, "")} ${version} (${license})`;
      return `${title}\n${"-".repeat(title.length)}\n\n${license === "Apache-2.0" ? apache : licenceIn(join(root, path))}`;
    });
  const runtime = "Bun (MIT), with JavaScriptCore (LGPL-2); see /usr/share/common-licenses/LGPL-2\n";
  return [own, "This program contains:\n", runtime, ...libraries].join("\n");
}

interface Library {
  version?: string;
  license?: string;
  dev?: boolean;
  devOptional?: boolean;
}

const apache = "On Debian systems the text is in /usr/share/common-licenses/Apache-2.0\n";

const licenceIn = (folder: string) => {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return file ? readFileSync(join(folder, file), "utf8") : "";
};
