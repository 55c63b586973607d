import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { todayIn } from "../../src/config/dates.ts";
import { employee } from "../../src/simulator/people.ts";
import { type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { Visitor } from "../support/visitor.ts";

const [token, viewToken] = ["contoh-token-1234", "contoh-view-token-1234"];
const today = todayIn("Asia/Jakarta");
const kib = "2600001";
const picturePath = "person/picture_data";
let site: InProcessSite;
let operator: Visitor;

beforeAll(async () => {
  site = await startSite({ env: { HTTP_TOKEN: token, HTTP_VIEW_TOKEN: viewToken } });
  const link = `${new URL(site.eposh.url).origin}/photos/kib/-1767600001.png`;
  site.eposh.days.set(today, [employee(1, 0, link), { ...employee(2, 0, link), name: "" }]);
  await site.induct({ from: today, to: today });
  operator = await Visitor.of(site, token);
}, 120_000);
afterAll(() => site[Symbol.asyncDispose]());

const picturesIn = (html: string) => [...html.matchAll(/<img src="([^"]+)" alt="([^"]+)"/g)];
const looks = async () => /Who looked at whose photo.*?<\/details>/s.exec(await operator.html("/ui/system"))?.[0] ?? "";

test("an operator sees both photos side by side, uncached, and each look is in the audit", async () => {
  const address = await operator.find(kib);
  const pictures = picturesIn(await operator.html(address));
  expect(pictures.map(([, , text]) => text)).toEqual([
    expect.stringMatching(/^Photo of .* \(KIB 2600001\) in Eposh$/),
    expect.stringMatching(/^Photo of .* \(KIB 2600001\) in HikCentral$/),
  ]);
  expect(await looks()).toBe("");
  for (const [, path = ""] of pictures) {
    const answer = await operator.get(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("image/jpeg");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect((await answer.bytes()).length).toBeGreaterThan(1_000);
  }
  const [person] = site.hikcentral.persons.values();
  const [, hikcentral = ""] = pictures[1] ?? [];
  expect(Buffer.from(await (await operator.get(hikcentral)).bytes())).toEqual(Buffer.from(person?.picture ?? []));
  const noted = await looks();
  expect(noted.match(/Rina/g)).toHaveLength(3);
  expect(noted.match(/HikCentral: [^<]*\(KIB 2600001\)/g)).toHaveLength(2);
  expect(noted.match(/Eposh: [^<]*\(KIB 2600001\)/g)).toHaveLength(1);
  // Nor does the photo of a person drown what was done.
  expect((await operator.html("/ui/system")).split("Who looked at whose photo")[0]).not.toContain("Eposh: ");
});

test("a viewer, a stranger and who has only the address see no photo", async () => {
  const viewer = await Visitor.of(site, viewToken);
  const address = await viewer.find(kib);
  const html = await viewer.html(address);
  expect(picturesIn(html)).toEqual([]);
  expect(html).toContain("Photos are shown to operators only.");
  const noted = await looks();
  const asked = site.hikcentral.calls[`resource/v1/${picturePath}`];
  for (const side of ["eposh", "hikcentral"]) {
    expect((await viewer.get(`${address}/photos/${side}`)).status).toBe(403);
    expect((await new Visitor(site).get(`${address}/photos/${side}`)).status).toBe(401);
  }
  expect((await operator.get(`${address}/photos/somewhere`)).status).toBe(404);
  expect((await operator.get("/ui/people/not-there/photos/eposh")).status).toBe(404);
  expect(await looks()).toBe(noted);
  expect(site.hikcentral.calls[`resource/v1/${picturePath}`]).toBe(asked);
});

test("the message of a case shows a viewer no link of a photo", async () => {
  const bodyFor = async (secret: string) => {
    const visitor = await Visitor.of(site, secret);
    const [, path = ""] = /href="(\/ui\/cases\/[^"]+)"/.exec(await visitor.html("/ui/cases")) ?? [];
    return /<pre>(.*?)<\/pre>/s.exec(await visitor.html(path))?.[1];
  };
  expect(await bodyFor(token)).toContain("-1767600001.png");
  const body = await bodyFor(viewToken);
  expect(body).toContain("kib_number");
  expect(body).not.toContain("-1767600001");
});

test("no photo is shown while a look at it cannot be noted", async () => {
  const address = await operator.find(kib);
  const { rows } = site.daemon.ledger;
  rows("alter table audit rename to away");
  expect((await operator.get(`${address}/photos/eposh`)).status).toBe(404);
  rows("alter table away rename to audit");
  expect((await operator.get(`${address}/photos/eposh`)).status).toBe(200);
});

test("a photo that does not come is a picture that says so, and no look", async () => {
  const address = await operator.find(kib);
  const noted = await looks();
  const faults = [
    { kind: "answer", body: '{"code":"8","msg":"not permitted"}', match: picturePath },
    { kind: "answer", body: "<html>Sign in</html>", match: picturePath },
    { kind: "answer", body: "data:image/svg+xml;base64,PHN2Zz4=", match: picturePath },
    { kind: "answer", status: 404, body: "gone", match: picturePath },
  ] as const;
  for (const fault of faults) {
    site.hikcentral.faults.set(fault);
    const answer = await operator.get(`${address}/photos/hikcentral`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toBe("image/svg+xml");
    expect(await answer.text()).toContain("The photo cannot be shown now.");
  }
  site.hikcentral.faults.set();
  expect(await looks()).toBe(noted);
  const [person] = site.hikcentral.persons.values();
  const bytes = Buffer.from(person?.picture ?? []).toString("latin1");
  site.hikcentral.faults.set({
    kind: "answer",
    body: JSON.stringify({ code: "0", data: btoa(bytes) }),
    match: picturePath,
  });
  expect((await operator.get(`${address}/photos/hikcentral`)).headers.get("content-type")).toBe("image/jpeg");
  site.hikcentral.faults.set();
});

test("a conflict of two records of one NIK shows all that Eposh says of both, both photos, and answers that fit", async () => {
  const date = "2026-01-05";
  const links = `${new URL(site.eposh.url).origin}/photos/kib`;
  const record = (name: string, number: number) => ({
    ...employee(50, 0, `${links}/-${1_767_600_000 + number}.png`),
    ...{ name, kib_number: String(number), birth_date: null },
  });
  site.eposh.days.set(date, [record("Hasan Siregar", 11), record("Wati Halim", 12)]);
  await site.induct({ from: date, to: date });
  const [, path = ""] = /href="([^"]+)">Hasan Siregar \(KIB 11\)</.exec(await operator.html("/ui/cases")) ?? [];
  const html = await operator.html(path);
  const [, table = ""] = /<h2 id="rivals">(.*?)<\/table>/s.exec(html) ?? [];
  expect(table).toContain("Two records of one NIK in Eposh");
  const cells = [...table.matchAll(/<td data-head="([^"]+)"[^>]*>([^<]*)</g)].map(([, , text]) => text);
  expect(cells).toEqual(
    [
      ["Name", "Hasan Siregar", "Wati Halim"],
      ["KIB", "11", "12"],
      ["Face", "a photo", "a photo"],
      ["Access", "Kawasan", "Kawasan"],
      ["Date of birth", "not known", "not known"],
      ["Inducted on", "5 Jan 2026", "5 Jan 2026"],
    ].flat(),
  );
  const pictures = picturesIn(html);
  expect(pictures.map(([, , text]) => text)).toEqual([
    "Photo of Hasan Siregar (KIB 11) in Eposh",
    "Photo of Wati Halim (KIB 12) in Eposh",
  ]);
  const [one, other] = await Promise.all(
    pictures.map(async ([, address = ""]) => Buffer.from(await (await operator.get(address)).bytes())),
  );
  expect(one?.equals(other as Buffer)).toBe(false);
  expect(picturesIn(await (await Visitor.of(site, viewToken)).html(path))).toEqual([]);

  expect(html).toContain("Whose NIK is it?");
  expect(html).not.toContain("the person in HikCentral is wrong");
  const fields = { id: path.split("/").at(-1) ?? "", answer: "person-wrong" };
  const confirm = `/ui/do/decide?${new URLSearchParams(fields)}`;
  expect(await operator.html(confirm)).toContain("Correct the other record in Eposh.");
  const { headers } = await operator.post("/ui/do/decide", { ...fields, form: await operator.form(confirm) });
  expect(await operator.html(headers.get("location") ?? "")).toContain("Decided: The other record is wrong.");
  // What the case itself says of them is shown while Eposh is away.
  site.eposh.faults.set({ kind: "hang" });
  const bare = await operator.html(path);
  for (const text of ["Hasan Siregar", "KIB 11", "Wati Halim", "KIB 12", "Whose NIK is it?"])
    expect(bare).toContain(text);
  site.eposh.faults.set();
});

test("no photo is in the state folder, nor its link in the page or the log", async () => {
  const [person] = site.hikcentral.persons.values();
  const picture = Buffer.from(person?.picture ?? []);
  const address = await operator.find(kib);
  const html = await operator.html(address);
  for (const [, path = ""] of picturesIn(html)) await operator.get(path);
  await until(() => site.entries.length > 0);
  const files = readdirSync(site.folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const kept = Buffer.concat(files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
  const parts = [picture.subarray(200, 264), Buffer.from(picture.subarray(300, 348).toString("base64"))];
  for (const part of parts) {
    expect(kept.includes(part)).toBe(false);
    expect(Buffer.concat([kept, part]).includes(part)).toBe(true);
  }
  expect(`${html}${site.output()}`).not.toMatch(/-1767600001|ngx\/proxy/);
});

test("System names where each value of the configuration comes from, and shows no value", async () => {
  const html = /id="settings".*?<\/section>/s.exec(await operator.html("/ui/system"))?.[0] ?? "";
  const text = html.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  expect(text).toContain("hikcentral.app_secret HIKCENTRAL_APP_SECRET");
  expect(text).toMatch(/values are not set and have their defaults .*eposh\.page_size/);
  const { EPOSH_URL, EPOSH_API_KEY, HIKCENTRAL_APP_SECRET } = site.simulators.env;
  for (const value of [token, viewToken, EPOSH_URL, EPOSH_API_KEY, HIKCENTRAL_APP_SECRET])
    expect(text.includes(String(value))).toBe(false);
});

test("a first view of any page is at most 25 KB with all that it loads, also with a hundred cases", async () => {
  const nobody = Array.from({ length: 100 }, (_, at) => ({ ...employee(at + 100, 0, ""), identity_number: "123" }));
  site.eposh.days.set(today, nobody);
  await site.induct({ from: today, to: today });
  const sizeOf = async (path: string) => {
    const headers = { cookie: operator.cookie, "accept-encoding": "gzip" };
    const answer = await fetch(site.url + path, { headers, decompress: false } as RequestInit);
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    return (await answer.arrayBuffer()).byteLength;
  };
  const assets = new Set((await operator.html("/ui/")).match(/\/ui\/assets\/[^"]+/g));
  expect(assets.size).toBe(4);
  const loaded = (await Promise.all([...assets].map(sizeOf))).reduce((sum, size) => sum + size, 0);
  for (const path of ["", "people", "cases", "runs", "runs/new", "system"]) {
    const isSmall = (await sizeOf(`/ui/${path}`)) + loaded <= 25_000;
    expect({ path, isSmall }).toEqual({ path, isSmall: true });
  }
  expect((await operator.html("/ui/cases")).length).toBeGreaterThan(25_000);
});
