import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import { describeCommands } from "../../packaging/commands.ts";
import { flatten } from "../../packaging/completion.ts";
import { makeDeb, makeTarball } from "../../packaging/package.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { binary, unitEnvironment } from "../support/program.ts";
import { needs } from "./needs.ts";

const root = join(import.meta.dir, "../..");
const folder = temporaryFolder();
const unpacked = join(folder, "unpacked");

function run(command: string[], env: Record<string, string | undefined> = process.env) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { env, cwd: folder });
  return { exit: exitCode, out: stdout.toString(), err: stderr.toString() };
}

const man = await needs("man", "man-db");
const systemd = await needs("systemd-analyze", "systemd");

let deb = "";
beforeAll(async () => {
  // Of the last commit, unless there comes another one meanwhile.
  process.env.SOURCE_DATE_EPOCH = run(["git", "-C", root, "log", "-1", "--format=%ct"]).out.trim();
  deb = await makeDeb({ binary, architecture: "amd64", folder, compress: false });
  run(["dpkg-deb", "-x", deb, unpacked]);
});

describe("the Debian package", () => {
  test("has what it should, all of it root's", () => {
    const { out } = run(["dpkg", "--contents", deb]);
    const lines = out.split("\n").filter((line) => line !== "" && !line.startsWith("d"));
    const files = lines.map((line) => {
      const [mode, owner, , , , path = ""] = line.split(/\s+/);
      return `${mode} ${owner} ${path.slice(1)}`;
    });
    expect(files).toEqual([
      "-rw-r----- root/root /etc/hikvision-sync/config.toml",
      "-rwxr-xr-x root/root /usr/bin/hikvision-sync",
      "-rw-r--r-- root/root /usr/lib/systemd/system/hikvision-sync-induction.service",
      "-rw-r--r-- root/root /usr/lib/systemd/system/hikvision-sync-induction.timer",
      "-rw-r--r-- root/root /usr/lib/systemd/system/hikvision-sync.service",
      "-rw-r--r-- root/root /usr/lib/sysusers.d/hikvision-sync.conf",
      "-rw-r--r-- root/root /usr/lib/tmpfiles.d/hikvision-sync.conf",
      "-rw-r--r-- root/root /usr/share/bash-completion/completions/hikvision-sync",
      "-rw-r--r-- root/root /usr/share/doc/hikvision-sync/changelog.gz",
      "-rw-r--r-- root/root /usr/share/doc/hikvision-sync/copyright",
      "-rw-r--r-- root/root /usr/share/doc/hikvision-sync/install.md",
      "-rw-r--r-- root/root /usr/share/doc/hikvision-sync/moving-from-python.md",
      "-rw-r--r-- root/root /usr/share/doc/hikvision-sync/operating.md",
      "-rw-r--r-- root/root /usr/share/doc/hikvision-sync/security.md",
      "-rw-r--r-- root/root /usr/share/lintian/overrides/hikvision-sync",
      "-rw-r--r-- root/root /usr/share/man/man1/hikvision-sync.1.gz",
    ]);
  });

  test("twice from one commit is the same to the byte, and so is the tarball", async () => {
    // That two builds of the program are the same is test/binary/build.long.test.ts's to say; a small one stands for it.
    const program = join(root, "package.json");
    const both = async (name: string) => {
      const options = { binary: program, architecture: "amd64", folder: join(folder, name) } as const;
      return [await makeDeb(options), await makeTarball(options)];
    };
    const first = await both("first");
    const umask = process.umask(0o077);
    const second = await both("second");
    process.umask(umask);
    const sum = (file: string) => Bun.SHA256.hash(readFileSync(file), "hex");
    expect(second.map(sum)).toEqual(first.map(sum));
    expect(run(["tar", "-tf", first[1] ?? ""]).out).toContain(`hikvision-sync_${version}_amd64/INSTALL.md\n`);
  }, 120_000);

  test("the packaged configuration is the sample: only what is required is missing", () => {
    const { exit, err } = run([binary, "check", "--config", join(unpacked, "etc/hikvision-sync/config.toml")], {});
    expect(exit).toBe(78);
    const missing = "eposh.url eposh.api_key eposh.app_id hikcentral.url hikcentral.app_key hikcentral.app_secret";
    expect([...err.matchAll(/(\S+) is missing/g)].map(([, name]) => name)).toEqual(missing.split(" "));
    expect(err).not.toMatch(/must|unknown key/);
  });
});

describe.skipIf(!systemd)("the units", () => {
  const units = readdirSync(join(root, "systemd")).filter((file) => /\.(service|timer)$/.test(file));
  const paths = units.map((unit) => join(root, "systemd", unit));

  test.each(paths.filter((path) => path.endsWith(".service")))("%s is exposed to no more than 1.5 of 10", (path) => {
    expect(run(["systemd-analyze", "security", "--offline=true", "--threshold=15", path]).exit).toBe(0);
  });

  test("say why of each directive that systemd would have them use and they do not", () => {
    const service = join(root, "systemd/hikvision-sync.service");
    const { out } = run(["systemd-analyze", "security", "--offline=true", "--json=short", service]);
    const open = (JSON.parse(out) as { set: boolean; name: string }[]).filter(({ set }) => !set);
    const words = new Set(open.flatMap(({ name }) => name.match(/AF_\w+|[A-Z]\w+(?==)/g) ?? []));
    const [, why = ""] = readFileSync(service, "utf8").split("# Left out on purpose:");
    expect(words.size).toBeGreaterThan(5);
    expect([...words].filter((word) => !why.includes(word))).toEqual([]);
  });

  test("have no key or value that systemd or the runtime does not know", () => {
    expect(run([binary, "version"], unitEnvironment())).toMatchObject({ exit: 0, err: "" });
    const { err } = run(["systemd-analyze", "verify", "--man=no", ...paths]);
    // Here the program may not be installed; where it is, the test with a machine of its own looks again.
    const other = err.split("\n").filter((line) => line && !line.includes("/usr/bin/hikvision-sync is not executable"));
    expect(other).toEqual([]);
  });
});

describe("what is generated from the commands", () => {
  const zcat = (path: string) => Buffer.from(Bun.gunzipSync(readFileSync(join(unpacked, path)))).toString();

  test("the manual has every command and every flag", async () => {
    const text = zcat("usr/share/man/man1/hikvision-sync.1.gz").replaceAll("\\-", "-");
    const all = flatten(await describeCommands()).filter(({ runs }) => runs);
    const words = all.map(({ path }) => path.join(" "));
    expect(words).toEqual(expect.arrayContaining(["serve", "stages", "stages new", "dead replay", "version"]));
    for (const { path, arguments: own } of all) {
      expect(text).toMatch(new RegExp(`^\\.SS "${path.join(" ")}( <.*>)?"$`, "m"));
      for (const { name, positional } of own) if (!positional) expect(text).toContain(`.B ${name}`);
    }
  });

  test.skipIf(!man)("the manual is set without a warning", () => {
    const file = join(unpacked, "usr/share/man/man1/hikvision-sync.1.gz");
    const env = { ...process.env, LC_ALL: "C.UTF-8", MANROFFSEQ: "", MANWIDTH: "80" };
    const { exit, out, err } = run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", file], env);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    expect(out.length).toBeGreaterThan(1000);
  });

  test.each([
    ["hikvision-sync ", "serve trigger check"],
    ["hikvision-sync tr", "trigger"],
    ["hikvision-sync config ", "print schema example --help"],
    ["hikvision-sync config pr", "print"],
    ["hikvision-sync trigger --fr", "--from"],
    ["hikvision-sync trigger --from ", ""],
    ["hikvision-sync serve --config /etc/passw", "/etc/passwd"],
  ])("bash completes «%s»", (line, expected) => {
    const script = `source ${join(unpacked, "usr/share/bash-completion/completions/hikvision-sync")}
      COMP_WORDS=(${line}${line.endsWith(" ") ? '""' : ""}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _hikvision_sync hikvision-sync "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"; echo "\${COMPREPLY[*]}"`;
    const { out, err } = run(["bash", "-c", script]);
    expect(err).toBe("");
    expect(out.startsWith(expected)).toBe(true);
    if (expected === "") expect(out).toBe("\n");
  });
});
