import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table } from "../../src/cli/output.ts";
import { portrait } from "../../src/simulator/pictures.ts";
import { fit } from "../../src/upstreams/decoder/face-jpeg.ts";
import { apt } from "../support/rabbitmq-install.ts";

const copies = 20;
const rounds = 3;
const command = "/usr/bin/vipsthumbnail";
/** What `fit` makes of a picture, as far as that command can do it. */
const wanted = ["--size", "640x640>", "--rotate", "-o", "out/%s.jpg[Q=90,strip,background=255]"];

async function pictures(): Promise<Record<string, Uint8Array>> {
  const png = portrait(1);
  const enlarged = (width: number, height: number) => new Bun.Image(png).resize(width, height, { fit: "fill" });
  return {
    "PNG 300×400, transparent": png,
    "PNG 1200×1600": await enlarged(1200, 1600).png().buffer(),
    "JPEG 480×640": await enlarged(480, 640).jpeg({ quality: 90 }).buffer(),
    "JPEG 1200×1600": await enlarged(1200, 1600).jpeg({ quality: 90 }).buffer(),
    "JPEG 1200×1600, progressive": await enlarged(1200, 1600).jpeg({ quality: 90, progressive: true }).buffer(),
    "JPEG 3000×4000": await enlarged(3000, 4000).jpeg({ quality: 90 }).buffer(),
    "WebP 1200×1600": await enlarged(1200, 1600).webp({ quality: 90 }).buffer(),
  };
}

/** What making a face of a photo costs, beside libvips' own command on the same pictures: CPU, one at a time. */
export default async function bench(): Promise<number> {
  if (!(await Bun.file(command).exists())) await apt("install", "-y", "--no-install-recommends", "libvips-tools");
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-bench-"));
  mkdirSync(join(folder, "out"));
  try {
    const rows = [["PICTURE", "KB", "CPU ms", "LIBVIPS", "RATIO"]];
    for (const [name, bytes] of Object.entries(await pictures())) {
      const files = Array.from({ length: copies }, (_, at) => `${at}`);
      for (const file of files) writeFileSync(join(folder, file), bytes);
      const [ours, theirs] = [[] as number[], [] as number[]];
      for (let round = 0; round < rounds; round++) {
        const before = process.cpuUsage();
        for (const _ of files) await fit(bytes);
        const { user, system } = process.cpuUsage(before);
        ours.push((user + system) / 1000 / copies);
        theirs.push(libvips(folder, files) / copies);
      }
      const [our, their] = [Math.min(...ours), Math.min(...theirs)];
      const figures = [our, their].map((ms) => ms.toFixed(1));
      rows.push([name, (bytes.byteLength / 1024).toFixed(0), ...figures, (our / their).toFixed(2)]);
    }
    console.log(table(rows));
    console.log(`CPU ms a picture, the least of ${rounds} rounds of ${copies}; RATIO is ours over libvips'`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** CPU in milliseconds for these files, its start included. */
function libvips(folder: string, files: readonly string[]): number {
  const { exitCode, stderr, resourceUsage } = Bun.spawnSync([command, ...files, ...wanted], {
    cwd: folder,
    env: { VIPS_CONCURRENCY: "1" },
  });
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr}`);
  return Number(resourceUsage.cpuTime.total) / 1000;
}
