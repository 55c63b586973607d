import { readFileSync } from "node:fs";
import { Exit, exits, textOf } from "../errors.ts";
import { tls } from "../util/access/late-modules.ts";

/** The certificates (PEM) that the setting `ca_file` of a section names. Exit 78 if they cannot be read. */
export function readCa(section: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Exit(exits.config, `${section}.ca_file ${file} cannot be read: ${textOf(error)}`);
  }
}

/** These and the public ones. */
export const caBesidePublic = (section: string, file: string): string =>
  [...tls().rootCertificates, readCa(section, file)].join("\n");
