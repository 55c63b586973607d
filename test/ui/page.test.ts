import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { BrowserContext, Page } from "playwright-core";
import { todayIn } from "../../src/config/dates.ts";
import { type Employee, employee } from "../../src/simulator/people.ts";
import { axeOf, type Browser, chromiumPath, type Look, openBrowser } from "../support/browser.ts";
import { type Site, startSite } from "../support/site.ts";
import { needs } from "../systemd/needs.ts";

const [token, viewToken] = ["contoh-token-1234", "contoh-view-token-1234"];
const today = todayIn("Asia/Jakarta");
const nik = "3501015505900042";
const hasBrowser = await needs(chromiumPath, "chromium");

/** Siti Rahma has this NIK in HikCentral, and Wati Halim at Eposh. */
const siti = {
  personCode: nik,
  personGivenName: "Siti",
  personFamilyName: "Rahma",
  remark: "",
  beginTime: "2026-01-05T00:00:00+07:00",
  endTime: "2030-12-31T23:59:59+07:00",
};

let site: Site;
let browser: Browser;
/** A window whose operator has logged in. */
let operator: BrowserContext;

/** People of today, with what people write into names. */
function people(link: string): Employee[] {
  const one = (number: number, more: Employee): Employee => ({ ...employee(number, 0, link), ...more });
  return [
    ...Array.from({ length: 12 }, (_, number) => employee(number + 1, 0, link)),
    one(21, { name: '<script>alert("x")</script> <b>Tebal</b>' }),
    one(22, { name: "Budi \u202egnitseb\u202c Terbalik" }),
    one(23, { name: `Panjang ${"Sekali ".repeat(42)}` }),
    one(24, { name: "Wati Halim", identity_number: nik, kib_number: "2690031", birth_date: { ymd: "1990-05-15" } }),
    one(25, { name: "", identity_number: "3501015505900025" }),
    one(26, { name: `Nik ${nik}`, identity_number: "123" }),
  ];
}

if (hasBrowser) {
  beforeAll(async () => {
    site = await startSite({ as: "binary", env: { HTTP_TOKEN: token, HTTP_VIEW_TOKEN: viewToken } });
    site.hikcentral.seed(siti).customFields["1"] = "2690030";
    site.eposh.days.set(today, people(`${new URL(site.eposh.url).origin}/photos/kib/-1767600001.png`));
    await site.induct({ from: today, to: today });
    browser = await openBrowser();
    const page = await logIn();
    operator = page.context();
    await page.close();
  }, 120_000);
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  }, 120_000);
}

async function logIn(look: Look = {}, secret = token): Promise<Page> {
  const page = await browser.open(look);
  await enter(page, secret);
  return page;
}
async function enter(page: Page, secret: string): Promise<void> {
  await page.goto(`${site.url}/ui/`);
  await page.fill("[name=name]", "Rina");
  await page.fill("[name=token]", secret);
  await page.keyboard.press("Enter");
  await page.waitForSelector("nav");
}
async function find(page: Page, key: string): Promise<string> {
  await page.fill("[type=search]", key);
  const loaded = page.waitForEvent("load");
  await page.keyboard.press("Enter");
  await loaded;
  return (await page.textContent("main")) ?? "";
}
async function atHome(): Promise<Page> {
  const page = await operator.newPage();
  await page.goto(`${site.url}/ui/`);
  return page;
}
const headingOf = (page: Page) => page.textContent("h1");
const close = (page: Page) => page.context().close();

describe.skipIf(!hasBrowser)("the page in a browser", () => {
  test("shows without a session its sentence and the login, and nothing else", async () => {
    const page = await browser.open();
    for (const path of ["/", "/ui/", "/ui/runs", "/ui/system", "/ui/nowhere", "/ui/do/pause?stage=face"]) {
      await page.goto(`${site.url}${path}`);
      const text = (await page.textContent("body")) ?? "";
      expect(text).toContain("Working · ");
      expect(text).not.toMatch(/create-person|bad_name|Contoh/);
      expect(await page.locator("nav").count()).toBe(0);
    }
    await close(page);
  });

  test("lets in who has the token, as an operator, and who has the other one, as a viewer", async () => {
    for (const [secret, role] of [
      [token, "operator"],
      [viewToken, "viewer"],
    ] as const) {
      const page = await logIn({}, secret);
      expect(await page.textContent(".who")).toContain(`Rina (${role})`);
      const [session] = await page.context().cookies();
      expect(session).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/ui" });
      await page.click("text=Log out");
      await page.waitForSelector("[name=token]");
      await close(page);
    }
    const page = await browser.open();
    const { out } = await site.cli("open");
    await page.goto(out.trim());
    expect(page.url()).toBe(`${site.url}/ui/`);
    expect(await page.textContent(".who")).toContain("(operator)");
    await page.click("text=Log out");
    await page.goto(out.trim());
    expect(await page.textContent("main")).toContain("This link was used or is older than a minute.");
    expect(site.output().includes(new URL(out).searchParams.get("key") ?? "")).toBe(false);
    const stranger = await fetch(`${site.url}/ui/open`, { method: "POST", body: "Rina" });
    expect(stranger.status).toBe(403);
    await page.goto(`${site.url}/ui/`);
    await page.fill("[name=name]", "Rina");
    await page.fill("[name=token]", "wrong-token-1234567");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[role=alert]:not([hidden])");
    expect(await page.textContent(".banner[role=alert]:not([hidden])")).toContain("The token is wrong");
    await close(page);
  });

  test("has nothing for axe to find, dark, in Indonesian and at 360 px", async () => {
    const page = await logIn({ theme: "dark", locale: "id-ID", width: 360 });
    for (const path of pages()) {
      await page.goto(`${site.url}${path}`);
      expect({ path, found: await axeOf(page) }).toEqual({ path, found: [] });
      const sideways = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect({ path, sideways }).toEqual({ path, sideways: 0 });
      expect(await page.getAttribute("html", "lang")).toBe("id");
    }
    await close(page);
  });

  test("shows a change by itself, and keeps the focus", async () => {
    const page = await operator.newPage();
    const stream = page.waitForRequest((request) =>
      decodeURIComponent(request.url()).includes("events?page=/ui/system"),
    );
    await page.goto(`${site.url}/ui/system`);
    await page.focus("a[href*='stage=kib']");
    await stream;
    await site.post("/stages/face/pause");
    await page.waitForSelector("text=by an operator");
    expect(await page.evaluate("document.activeElement.getAttribute('href')")).toContain("stage=kib");
    await site.post("/stages/face/resume");
    await page.waitForSelector("text=by an operator", { state: "detached" });
    await page.close();
  });

  test("is worked by keyboard alone, and an action is confirmed, told and kept in the audit", async () => {
    const page = await operator.newPage();
    await page.goto(`${site.url}/ui/system`);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.className")).toBe("skip");
    const href = () => page.evaluate("document.activeElement.getAttribute('href') ?? ''");
    for (let presses = 0; !String(await href()).includes("stage=face") && presses < 60; presses++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector("button.main");
    for (let presses = 0; presses < 60; presses++) {
      if (await page.evaluate("document.activeElement.matches('button.main')")) break;
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.waitForSelector("[role=status]");
    expect(await page.textContent("[role=status]")).toBe("face is paused.");
    expect(await page.textContent("main")).toMatch(/Rina\s*pause\s*face/);
    await page.click("text=resume face");
    await page.click("button.main");
    await page.waitForSelector("text=face takes work again.");
    await page.close();
  });

  test("says of a person in one sentence who is meant, why not, and what to do", async () => {
    const page = await atHome();
    expect(await find(page, "2600001")).toContain("(KIB 2600001) can enter: face and access are there");
    await find(page, "Wati");
    expect(page.url()).toMatch(/\/ui\/people\/[\w-]{16}$/);
    const conflict =
      "Wati Halim (KIB 2690031) cannot enter: the NIK belongs to Siti Rahma (KIB 2690030) in HikCentral. " +
      "Do this: Whose NIK is right? Correct the wrong one in Eposh, then start a run for the date.";
    expect(await headingOf(page)).toBe(conflict);
    // Two people under one NIK are two, by the number too; the command says the same.
    expect(await find(page, nik)).toContain("Siti Rahma (KIB 2690030) cannot enter: HikCentral shows no access group.");
    const told = await site.cli("who Wati");
    expect(told.out).toStartWith(conflict);
    expect(told.out).toContain("Siti Rahma (KIB 2690030) cannot enter");
    expect((await site.cli("who Wati --lang id")).out).toStartWith("Wati Halim (KIB 2690031) tidak bisa masuk");
    expect(await find(page, "Nobody at all")).toContain("Nobody was found.");
    await page.close();
  });

  test("shows names as they are written, whatever they hold", async () => {
    const page = await atHome();
    const found = async (kib: string) => {
      await find(page, kib);
      return await headingOf(page);
    };
    expect(await found("2600021")).toStartWith('<script>alert("x")</script> <b>Tebal</b> (KIB 2600021)');
    expect(await page.locator("b, main script").count()).toBe(0);
    expect(await found("2600022")).toStartWith("Budi \\u202egnitseb\\u202c Terbalik");
    await found("2600023");
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    await page.close();
  });

  test("answers who has never seen it: is it working, why can't X enter, what failed, send those again, who did that", async () => {
    const page = await atHome();
    expect(await headingOf(page)).toMatch(/^Working · \d+ of \d+ inducted today can enter · \d+ people need you$/);
    await find(page, "wati halim");
    expect(await headingOf(page)).toMatch(/^Wati Halim \(KIB 2690031\) cannot enter: .* Do this: /);
    await page.click("nav >> text=Cases");
    expect(await headingOf(page)).toMatch(/^\d+ people are held up, /);
    const cause = page.locator("section", { hasText: "bad_name" });
    expect(await cause.textContent()).toMatch(/held up.*The name is missing.*What to do:.*Correct the name in Eposh/s);
    await cause.locator("summary").click();
    expect(await cause.locator("details").textContent()).toContain("no name (KIB 2600025)");
    await cause.locator("details a").click();
    await page.click("summary");
    expect(await page.textContent("pre")).toContain('"identity_number": "[nik]"');
    await page.click("text=All cases");
    await cause.locator("text=Send all again").click();
    await page.click("button.main");
    await page.waitForSelector("text=message sent again.");
    await page.click("nav >> text=System");
    expect(await page.textContent("main")).toMatch(/Rina\s*send again\s*bad_name · create-person/);
    const csv = await (await page.context().request.get(`${site.url}/ui/cases.csv`)).text();
    expect(csv).toContain("bad_name,create-person");
    await page.close();
  });

  test("decides an identity conflict, once", async () => {
    const page = await operator.newPage();
    await page.goto(`${site.url}/ui/cases`);
    const cause = page.locator("section", { hasText: "identity_conflict" });
    const sides = await cause.locator(".sides > div").allInnerTexts();
    expect(sides.map((side) => side.split("\n").filter(Boolean))).toEqual([
      ["Eposh", "Wati Halim", "KIB 2690031"],
      ["HikCentral", "Siti Rahma", "KIB 2690030"],
    ]);
    await cause.locator("article >> text=Details").click();
    expect(await page.textContent("#compared + table")).toMatch(/Name\s*Wati Halim\s*Siti Rahma\s*✗ no/);
    await page.click("text=Not the same: the record in Eposh is wrong");
    await page.click("button.main");
    await page.waitForSelector("text=Decided: Not the same: the record in Eposh is wrong.");
    expect(await page.textContent("main")).toContain("This case is closed.");
    await page.close();
  });

  test("shows a viewer why there is no button, and refuses what one sends anyway", async () => {
    const page = await logIn({}, viewToken);
    await page.goto(`${site.url}/ui/system`);
    expect(await page.textContent("main")).toContain("pause face (Only operators may do this)");
    expect(await page.locator("a[href*='/ui/do/']").count()).toBe(0);
    const { request } = page.context();
    const post = (form: Record<string, string>, headers = {}) =>
      request.post(`${site.url}/ui/do/pause`, { form, headers }).then((answer) => answer.status());
    expect(await post({ stage: "face", form: "x" })).toBe(403);
    expect((await request.get(`${site.url}/ui/do/pause?stage=face`)).status()).toBe(403);
    await close(page);
  });

  test("is complete without JavaScript", async () => {
    const page = await logIn({ javaScriptEnabled: false });
    expect(await headingOf(page)).toMatch(/^Working · \d+ of \d+ inducted today can enter · \d+ people need you$/);
    await page.click("nav >> text=Runs");
    await page.click("table a");
    expect(await headingOf(page)).toStartWith("Run ");
    expect(await page.textContent("main")).toMatch(/Started by\s*the trigger/);
    const stages = await page.locator("#by-stage + ol li > span:first-child").allTextContents();
    expect(stages).toEqual(["induction", "publisher", "create-person", "update-kib", "assign-privilege"]);
    await close(page);
  });

  test("asked no other host, wrote no error to the console, and showed no NIK, key or token", async () => {
    const seen: string[] = [];
    const page = await logIn();
    page.on("response", async (response) => seen.push(await response.text().catch(() => "")));
    for (const path of pages()) {
      await page.goto(`${site.url}${path}`);
      seen.push(await page.content());
    }
    const stream = await page.evaluate(async () => {
      const answer = await fetch("/ui/events?page=/ui/");
      const { value } = (await answer.body?.getReader().read()) ?? {};
      return new TextDecoder().decode(value);
    });
    expect(stream).toContain("event: main");
    seen.push(stream, site.output());
    const all = seen.join("\n");
    const secrets = [token, viewToken, nik, site.env.EPOSH_API_KEY, site.env.HIKCENTRAL_APP_SECRET];
    for (const secret of secrets) expect(all.includes(secret)).toBe(false);
    // Found where it is planted.
    expect(`${all}${nik}`.includes(nik)).toBe(true);
    expect(/[\u202a-\u202e]/.test(all)).toBe(false);
    expect(browser.errors).toEqual([]);
    expect([...new Set(browser.requests.map((url) => new URL(url).hostname))]).toEqual(["127.0.0.1"]);
    await close(page);
  });
});

const pages = () => [
  "/ui/",
  "/ui/people",
  "/ui/runs",
  "/ui/runs/new",
  "/ui/system",
  "/ui/do/pause?stage=face",
  "/ui/nowhere",
];
