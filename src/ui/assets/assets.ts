import idiomorph from "idiomorph/dist/idiomorph.min.js" with { type: "text" };
import page from "./page.js" with { type: "text" };
import style from "./style.css" with { type: "text" };

interface Asset {
  text: string;
  type: string;
  /** Compressed for the first browser that takes it so. */
  gzip?: Uint8Array<ArrayBuffer>;
}

const assets = new Map<string, Asset>();

/** Its address holds a hash of its content, so that a browser may keep it for ever. */
function add(name: string, text: string, type: string): string {
  const [stem, end] = name.split(".");
  const path = `/ui/assets/${stem}-${Bun.hash(text).toString(36)}.${end}`;
  assets.set(path, { text, type });
  return path;
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0b57b0"/><path d="M4 8.5 7 11l5-6" fill="none" stroke="#fff" stroke-width="2"/></svg>`;

export const paths = {
  icon: add("icon.svg", icon, "image/svg+xml"),
  style: add("style.css", style, "text/css; charset=utf-8"),
  morph: add("morph.js", idiomorph, "text/javascript; charset=utf-8"),
  page: add("page.js", page, "text/javascript; charset=utf-8"),
};

export function assetAt(path: string, acceptEncoding = ""): Response | undefined {
  const asset = assets.get(path);
  if (asset === undefined) return undefined;
  const isCompressed = acceptEncoding.includes("gzip");
  if (isCompressed) asset.gzip ??= Bun.gzipSync(asset.text);
  const body = isCompressed && asset.gzip ? asset.gzip : asset.text;
  const headers = { "content-type": asset.type, "cache-control": "public, max-age=31536000, immutable" };
  return new Response(body, { headers: { ...headers, ...(isCompressed && { "content-encoding": "gzip" }) } });
}
