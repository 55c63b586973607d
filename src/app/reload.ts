import type { Config, InUse, Loaded } from "../config/load.ts";
import { secretKeys } from "../config/schema.ts";
import { Secret } from "../config/secret.ts";
import { names } from "../config/sources.ts";
import { textOf } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import { changedSince } from "../registry/builtin.ts";
import type { Notify } from "./systemd.ts";

/** Values that only a restart applies; secrets too, because systemd passes credentials only at the start. */
const needsRestart = (name: string) =>
  /^(http|log|state)\.|^(broker\.(url|ca_file|queue_type)|stages\.folder)$/.test(name) || secretKeys.includes(name);

const plain = (value: unknown): string | undefined => {
  if (Array.isArray(value)) return JSON.stringify(value.map(plain));
  return value instanceof Secret ? value.reveal() : JSON.stringify(value);
};

type Section = Readonly<Record<string, unknown>>;

/** The new configuration as far as a running daemon can apply it, with the names of what is applied and what is not. */
export function mergeReloadable({ config: running, sources: origins }: InUse, { config: fresh, file, sources }: InUse) {
  const [taken, left]: [string[], string[]] = [[], []];
  const config = { ...fresh } as unknown as Record<string, Section>;
  const before = running as unknown as Readonly<Record<string, Section>>;
  for (const [name, [section, key]] of names) {
    if (plain(before[section]?.[key]) === plain(config[section]?.[key])) continue;
    (needsRestart(name) ? left : taken).push(name);
    if (needsRestart(name)) config[section] = { ...config[section], [key]: before[section]?.[key] };
  }
  if (plain(running.regionals) !== plain(fresh.regionals)) taken.push("regionals");
  if (plain(running.stages.settings) !== plain(fresh.stages.settings)) taken.push("stages.NAME");
  const kept = Object.fromEntries(left.flatMap((name) => (origins[name] ? [[name, origins[name]]] : [])));
  left.push(...changedSince(running.stages.folder));
  const loaded: InUse = { config: config as unknown as Config, file, sources: { ...sources, ...kept } };
  return { loaded, taken, left };
}

export interface ReloadOptions {
  /** Reads the configuration again; throws if it is invalid. */
  read: () => Loaded;
  log: Log;
  notify: Notify;
}

/** Until disposed of, SIGHUP makes the daemon apply the current configuration, one reload at a time. */
export function reloadOnHangUp(
  daemon: { reload(fresh: Loaded): Promise<void> },
  { read, log, notify }: ReloadOptions,
): Disposable {
  let last = Promise.resolve();
  const reload = async () => {
    notify("RELOADING=1", "STATUS=reloading: work in progress is finished first");
    try {
      await daemon.reload(read());
    } catch (error) {
      const text = `reload rejected: ${textOf(error)}; the previous configuration is still in use`;
      log.error(text, { code: "reload_refused" });
    }
    notify("READY=1");
  };
  const onHangUp = () => {
    last = last.then(reload);
  };
  process.on("SIGHUP", onHangUp);
  return { [Symbol.dispose]: () => void process.off("SIGHUP", onHangUp) };
}
