import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { $ } from "bun";
import { version as ownVersion } from "../package.json";
import { exampleConfig } from "../src/config/example.ts";
import { describeCommands } from "./commands.ts";
import { completion } from "./completion.ts";
import { copyright } from "./copyright.ts";
import { manual } from "./manual.ts";

const root = join(import.meta.dir, "..");
/** For processors of the last fifteen years, not only those with AVX2: the machine at the gate may be old. */
const targets = { amd64: "bun-linux-x64-baseline", arm64: "bun-linux-arm64" } as const;
const manuals = "usr/share/doc/hikvision-sync";
export type Architecture = keyof typeof targets;
const architectures = Object.keys(targets) as Architecture[];

export interface PackageOptions {
  /** The compiled program. */
  binary: string;
  architecture: Architecture;
  /** Where the package is put. */
  folder: string;
  version?: string;
  /** Without compression a package is built and installed in half the time. */
  compress?: boolean;
}

/** A Debian package; two of one commit are identical. Returns its path. */
export async function makeDeb(options: PackageOptions): Promise<string> {
  const { binary, architecture, folder, version = ownVersion, compress = true } = options;
  using work = workIn(folder);
  await layOut(work.folder, binary, version);
  control(work.folder, architecture, version);
  await openFolders(work.folder);
  const deb = join(folder, `hikvision-sync_${version}_${architecture}.deb`);
  // n.b. xz would save a fifth of the size for ten times the work.
  const level = compress ? ["-Zgzip", "-z1"] : ["-Znone"];
  await $`dpkg-deb --root-owner-group ${level} --build ${work.folder} ${deb}`.env(environment()).quiet();
  return deb;
}

/** The same files for a system without dpkg, with INSTALL.md; two of one commit are identical. Returns its path. */
export async function makeTarball(options: PackageOptions): Promise<string> {
  const { binary, architecture, folder, version = ownVersion, compress = true } = options;
  const name = `hikvision-sync_${version}_${architecture}`;
  using work = workIn(folder);
  await layOut(join(work.folder, name), binary, version);
  const install = readFileSync(join(root, "docs/install.md"), "utf8");
  put(join(work.folder, name), "INSTALL.md", install.replaceAll(/\]\((?=[a-z-]+\.md\))/g, `](${manuals}/`));
  await openFolders(work.folder);
  const tarball = join(folder, compress ? `${name}.tar.gz` : `${name}.tar`);
  const fixed = [
    "--sort=name",
    `--mtime=@${sourceDate()}`,
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--format=gnu",
  ];
  const filter = compress ? ["--use-compress-program=gzip -1 -n"] : [];
  await $`tar -C ${work.folder} ${fixed} ${filter} -cf ${tarball} ${name}`.env(environment()).quiet();
  return tarball;
}

/** Compiles the program for a target into a file, and returns its path. */
export type Build = (options: { target: Bun.Build.CompileTarget; outfile: string }) => Promise<string>;

/** Both for all architectures, and SHA256SUMS. */
export async function makePackages(folder: string, build: Build): Promise<string[]> {
  const made: string[] = [];
  for (const architecture of architectures) {
    using work = workIn(folder);
    const target = targets[architecture];
    const binary = await build({ target, outfile: join(work.folder, "hikvision-sync") });
    made.push(...(await Promise.all([makeDeb, makeTarball].map((make) => make({ binary, architecture, folder })))));
  }
  return [...made, writeSums(folder, made)];
}

/** SHA256SUMS of these files in the folder. Returns its path. */
export function writeSums(folder: string, files: readonly string[]): string {
  const sums = files.map((file) => `${Bun.SHA256.hash(readFileSync(file), "hex")}  ${basename(file)}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
  return join(folder, "SHA256SUMS");
}

function workIn(parent: string): Disposable & { folder: string } {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, ".package-"));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

/** Independent of the umask of whoever builds. */
const openFolders = (tree: string) => $`find ${tree} -type d -exec chmod 0755 {} +`.quiet();

const environment = () => ({ ...process.env, SOURCE_DATE_EPOCH: String(sourceDate()), LC_ALL: "C", TZ: "UTC" });

/** What is installed, under a folder that stands for /. */
async function layOut(tree: string, binary: string, version: string): Promise<void> {
  const commands = await describeCommands();
  const date = new Date(sourceDate() * 1000);
  mkdirSync(join(tree, "usr/bin"), { recursive: true });
  cpSync(binary, join(tree, "usr/bin/hikvision-sync"));
  chmodSync(join(tree, "usr/bin/hikvision-sync"), 0o755);
  for (const unit of readdirSync(join(root, "systemd")).filter((file) => /\.(service|timer)$/.test(file)))
    put(tree, `usr/lib/systemd/system/${unit}`, readFileSync(join(root, "systemd", unit), "utf8"));
  put(tree, "usr/lib/sysusers.d/hikvision-sync.conf", readFileSync(join(root, "systemd/sysusers.conf"), "utf8"));
  put(tree, "usr/lib/tmpfiles.d/hikvision-sync.conf", readFileSync(join(root, "systemd/tmpfiles.conf"), "utf8"));
  put(tree, "etc/hikvision-sync/config.toml", packagedConfig(), 0o640);
  mkdirSync(join(tree, "etc/hikvision-sync/stages"));
  put(
    tree,
    "usr/share/man/man1/hikvision-sync.1.gz",
    zip(manual(commands, { version, date: date.toISOString().slice(0, 10) })),
  );
  put(tree, "usr/share/bash-completion/completions/hikvision-sync", completion(commands));
  put(tree, `${manuals}/copyright`, copyright());
  put(tree, `${manuals}/changelog.gz`, zip(changelog(version, date)));
  for (const guide of ["install.md", "operating.md", "security.md", "moving-from-python.md"])
    put(tree, `${manuals}/${guide}`, readFileSync(join(root, "docs", guide), "utf8"));
}

/** The sample configuration, with the two folders that the unit and the commands must agree on. */
function packagedConfig(): string {
  let text = exampleConfig();
  for (const line of ['folder = "/etc/hikvision-sync/stages"', 'folder = "/var/lib/hikvision-sync"']) {
    if (!text.includes(`\n#${line}\n`)) throw new Error(`the sample configuration has no line #${line}`);
    text = text.replace(`\n#${line}\n`, `\n${line}\n`);
  }
  return text;
}

function control(tree: string, architecture: Architecture, version: string): void {
  put(tree, "usr/share/lintian/overrides/hikvision-sync", source("lintian-overrides"));
  const files = [...new Bun.Glob("**/*").scanSync({ cwd: tree, dot: true })].sort();
  const installedKb = files.reduce((sum, file) => sum + Math.ceil(Bun.file(join(tree, file)).size / 1024), 0);
  const fields = { Version: version, Architecture: architecture, "Installed-Size": String(installedKb) };
  const sums = files
    .filter((file) => !file.startsWith("etc/"))
    .map((file) => `${Bun.MD5.hash(readFileSync(join(tree, file)), "hex")}  ${file}\n`);
  put(
    tree,
    "DEBIAN/control",
    source("control").replace(/\{(.+)\}/g, (_, name: keyof typeof fields) => fields[name]),
  );
  put(tree, "DEBIAN/conffiles", "/etc/hikvision-sync/config.toml\n");
  put(tree, "DEBIAN/md5sums", sums.join(""));
  for (const script of ["postinst", "prerm", "postrm"]) put(tree, `DEBIAN/${script}`, source(script), 0o755);
}

const source = (name: string) => readFileSync(join(import.meta.dir, "debian", name), "utf8");
const zip = (text: string) => Bun.gzipSync(Buffer.from(text), { level: 9 });

function put(tree: string, path: string, content: string | Uint8Array, mode = 0o644): void {
  const file = join(tree, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}

/** In Debian's form; what changed is in CHANGELOG.md, for people. */
function changelog(version: string, at: Date): string {
  const maintainer = /^Maintainer: (.+)$/m.exec(source("control"))?.[1];
  const date = at.toUTCString().replace("GMT", "+0000");
  const changes = readFileSync(join(root, "CHANGELOG.md"), "utf8").split(/^## /m)[1] ?? "";
  const lines = changes.split("\n").filter((line) => line.startsWith("- "));
  const wrap = (line: string) => line.replace(/(.{1,72})( |$)/g, "    $1\n").replace("   ", "  *");
  const items = lines.map((line) => wrap(line.slice(2))).join("");
  return `hikvision-sync (${version}) stable; urgency=medium\n\n${items}\n -- ${maintainer}  ${date}\n`;
}

/** Seconds since 1970 of the commit: what is built from it bears its time. */
function sourceDate(): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given) return Number(given);
  const { stdout } = Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: root });
  if (!/^\d+\s*$/.test(stdout.toString())) throw new Error("outside a repository SOURCE_DATE_EPOCH must be set");
  return Number(stdout.toString());
}
