import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const unit = "hikvision-sync.service";
const unitFolders = ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"];
/** Where systemd looks for a credential whose source is a name. */
const stores = ["/etc/credstore", "/run/credstore", "/usr/lib/credstore"];

/** The credentials that systemd hands to the service alone; none where there is no service, or we are it. */
export function hiddenCredentials(): string[] {
  if (process.env.CREDENTIALS_DIRECTORY) return [];
  const files = unitFolders.flatMap((folder) => [join(folder, unit), ...dropInsOf(join(folder, `${unit}.d`))]);
  const text = files.map((file) => orNothing(() => readFileSync(file, "utf8")) ?? "").join("\n");
  const declared = text.matchAll(/^((?:Load|Set)Credential)(?:Encrypted)?=(\w+):(\S*)/gm);
  const given = [...declared].filter(([, how, , source = ""]) => how === "SetCredential" || mayExist(source));
  return [...new Set(given.map(([, , name = ""]) => name))];
}

const dropInsOf = (folder: string) => orNothing(() => readdirSync(folder).map((name) => join(folder, name))) ?? [];

/** Other users than root may not look into the stores: what they cannot rule out counts. */
function mayExist(source: string): boolean {
  const paths = source.startsWith("/") ? [source] : stores.map((store) => join(store, source));
  return paths.some((path) => {
    try {
      statSync(path);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EACCES";
    }
  });
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
