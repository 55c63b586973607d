import { type Call, type Faults, instead, type ServerOptions, serve } from "./fault-server.ts";
import { laterOddPeople, oddEmployees, oddPeople, unsafeNumber } from "./odd-people.ts";
import { type Employee, employee, inductions } from "./people.ts";
import { portrait as drawn, wrecks } from "./pictures.ts";

const apiKey = "contoh-api-key";
const appId = "contoh-app-id";
const typed = (type: string) => ({ headers: { "content-type": type } });
const emptyPage = '{"data":[],"pagination":{"current_page":1,"last_page":1,"total":5}}';

/** Pages of another shape, all with status 200: `faults.set({ ...badPages.html, match: "page=2" })`. */
export const badPages = {
  message: instead("message", '{"message":"Server Error"}', { match: "/api/" }),
  nothing: instead("nothing", '{"data":null,"pagination":null}', { match: "/api/" }),
  html: instead("html", "<!doctype html><h1>Sign in</h1>", { match: "/api/" }),
  empty: instead("empty", emptyPage, { match: "/api/" }),
};

export interface EposhOptions extends ServerOptions {
  /** 1543, on 17 dates; one date has two pages, one has no employees. */
  people?: number;
  /** Adds `oddPeople` and `laterOddPeople` to the last two dates. */
  odd?: boolean;
  /** An ordinary person's photo; by default one is drawn. */
  portrait?: (stamp: number) => Uint8Array;
}

export async function startEposh({ people = 1543, odd = false, portrait = drawn, ...options }: EposhOptions) {
  const days = new Map<string, Employee[]>();
  const pages: Record<string, number> = {};
  const photos: Record<string, number> = {};
  const notModified: Record<string, number> = {};
  const pictures = new Map<string, Uint8Array<ArrayBuffer>>();

  function page(url: string, faults: Faults): Response {
    const query = new URLSearchParams(url.slice(url.indexOf("?")));
    const date = query.get("induction_date") ?? "";
    const [current, limit] = [Number(query.get("page") ?? 1), Number(query.get("limit") ?? 100)];
    if (!/^\d{4}-\d\d-\d\d$/.test(date) || !(current >= 1 && limit >= 1))
      return Response.json({ message: "The given data was invalid." }, { status: 422 });
    pages[`${date} ${current}`] = (pages[`${date} ${current}`] ?? 0) + 1;
    const inducted = days.get(date) ?? [];
    // The first employee has moved to the end meanwhile, so that page 2 misses one and repeats another.
    const all = faults.take("drift", url) ? [...inducted.slice(1), ...inducted.slice(0, 1)] : inducted;
    const wrong = faults.take("wrong-total", url);
    const total = all.length + (wrong ? (wrong.by ?? 1) : 0);
    const last = Math.max(1, Math.ceil(all.length / limit));
    const data = all.slice((current - 1) * limit, current * limit);
    const json = JSON.stringify({ data, pagination: { current_page: current, last_page: last, total } });
    return new Response(json.replace(`"${unsafeNumber}"`, unsafeNumber), typed("application/json"));
  }

  async function pictureBehind(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const other = pictures.get(path);
    if (other) return other;
    const [, kind = "", stamp = ""] = /^\/photos\/([a-z]+)\/-(\d+)\.png$/.exec(path) ?? [];
    const draw = kind === "kib" || kind === "shared" ? portrait : wrecks[kind];
    return draw && new Uint8Array(await draw(Number(stamp)));
  }

  async function photo(url: string, asked: string | undefined): Promise<Response> {
    const [path = ""] = url.split("?");
    const picture = await pictureBehind(path);
    const etag = picture && `"${Bun.hash(picture).toString(16)}"`;
    const isKnown = etag !== undefined && asked === etag;
    const counts = isKnown ? notModified : photos;
    counts[url] = (counts[url] ?? 0) + 1;
    if (etag === undefined) return new Response("Not Found", { status: 404 });
    if (isKnown) return new Response(null, { status: 304, headers: { etag } });
    return new Response(picture, { headers: { "content-type": "image/png", etag } });
  }

  function answer({ url, headers }: Call, faults: Faults): Response | Promise<Response> {
    if (url.startsWith("/photos/")) return photo(url, headers["if-none-match"]);
    if (!url.startsWith("/api/")) return new Response("Not Found", { status: 404 });
    if (headers["x-api-key"] === apiKey && headers["x-app-id"] === appId) return page(url, faults);
    return Response.json({ message: "Unauthenticated." }, { status: 401 });
  }

  const server = await serve(options, answer, () => ({ pages, photos, notModified }));
  const links = `${server.origin}/photos`;
  const link = (number: number) => `${links}/kib/-${1_767_600_000 + number}.png`;
  let number = 0;
  for (const [date, inducted] of inductions(people)) {
    const numbers = Array.from({ length: inducted }, () => ++number);
    const employees = numbers.map((one) => employee(one, options.seed ?? 0, link(one)));
    days.set(date, employees);
  }
  if (odd) {
    days.get("2026-01-18")?.push(...oddEmployees(oddPeople, 98_000, links));
    days.get("2026-01-19")?.push(...oddEmployees(laterOddPeople, 98_900, links));
  }
  return {
    ...server,
    url: `${server.origin}/api/v1/employees`,
    apiKey,
    appId,
    /** Who was inducted on a date; change it freely. */
    days,
    /** Pages served, by date and page: `2026-01-14 2`. */
    pages,
    /** Photos served, by path and query. */
    photos,
    /** Answers that the picture is the one that the caller has, by path and query. */
    notModified,
    /** What is behind a path, instead of what its name says; change it freely. */
    pictures,
  };
}
