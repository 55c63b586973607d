import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { todayIn } from "../../src/config/dates.ts";
import type { Employee } from "../../src/simulator/people.ts";
import { axeOf, type Browser, chromiumPath, openBrowser } from "../support/browser.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { needs } from "../systemd/needs.ts";

const token = "contoh-token-1234";
const hasBrowser = await needs(chromiumPath, "chromium");
let browser: Browser;
if (hasBrowser) {
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser[Symbol.asyncDispose]());
}

async function logIn(page: Page, { url }: { url: string }): Promise<void> {
  await page.goto(`${url}/ui/`);
  await page.fill("[name=name]", "Rina");
  await page.fill("[name=token]", token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("nav");
}

/** A port that leads to another one, and cuts what goes through. */
async function wayThatIsCut(port: number) {
  const sockets = new Set<Socket>();
  let timer: ReturnType<typeof setInterval> | undefined;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {}).on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    cutEverySecond() {
      timer = setInterval(() => {
        for (const socket of sockets) socket.destroy();
        sockets.clear();
      }, 1_000);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** To be looked at. */
const pictures = join(import.meta.dir, "../../dist/screenshots");

describe.skipIf(!hasBrowser)("the page in a browser, for long", () => {
  test("shows a change within 2 s, says within 20 s of kill -9 that no data comes any more, and comes back by itself", async () => {
    await using site = await startSite({ as: "binary", env: { HTTP_TOKEN: token } });
    const page = await browser.open();
    const stream = page.waitForRequest(/ui\/events/);
    await logIn(page, site);
    await stream;
    const startedAt = performance.now();
    await site.post("/stages/face/pause");
    await page.waitForSelector("text=by an operator");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    const port = new URL(site.url).port;
    await site.kill();
    await page.waitForSelector("#stale:not([hidden])", { timeout: 22_000 });
    expect(await page.textContent("#stale")).toMatch(/No fresh data since\s+\d\d:\d\d:\d\d/);
    await site.start({ HTTP_PORT: port });
    // The restart has ended its session, and so the page asks for the login.
    await page.waitForSelector("[name=token]", { timeout: 10_000 });
    await page.context().close();
  });

  test("goes on, and says nothing of old data, while its stream is cut every second", async () => {
    await using site = await startSite({ as: "binary", env: { HTTP_TOKEN: token } });
    using way = await wayThatIsCut(Number(new URL(site.url).port));
    const page = await browser.open();
    await logIn(page, way);
    way.cutEverySecond();
    const streams: string[] = [];
    page.on("request", (request) => request.url().includes("/ui/events") && streams.push(request.url()));
    await until(() => streams.length >= 3);
    await site.post("/stages/face/pause");
    await page.waitForSelector("text=by an operator");
    expect(await page.isVisible("#stale")).toBe(false);
    await page.context().close();
  });

  test("says on the page after the twentieth that it is not live, until one of them is closed", async () => {
    await using site = await startSite({ as: "binary", env: { HTTP_TOKEN: token } });
    const page = await browser.open();
    await logIn(page, site);
    const [session] = await page.context().cookies();
    await page.goto("about:blank");
    const leaving = new AbortController();
    const cookie = `${session?.name}=${session?.value}`;
    const others = { headers: { cookie }, signal: leaving.signal };
    for (let open = 0; open < 20; open++) {
      const { body } = await fetch(`${site.url}/ui/events?page=/ui/`, others);
      await body?.getReader().read();
    }
    await page.goto(`${site.url}/ui/`);
    await page.waitForSelector("text=20 pages are live already");
    expect(await page.isVisible("#stale")).toBe(false);
    leaving.abort();
    await page.waitForSelector("#full", { state: "hidden", timeout: 20_000 });
    await page.context().close();
  });

  test("has nothing for axe to find and nothing to scroll sideways: every page, language, theme and width", async () => {
    const today = todayIn("Asia/Jakarta");
    await using site = await startSite({ as: "binary", people: 60, odd: true, env: { HTTP_TOKEN: token } });
    const people = [...site.eposh.days.values()].flat();
    // Two records of one NIK on one date, and nothing says whose it is.
    const [first, second] = people.map((one): Employee => ({ ...one, birth_date: null })) as [Employee, Employee];
    const rivals = [first, { ...second, identity_number: first.identity_number }];
    site.eposh.days.set(today, [...people.slice(2), ...rivals]);
    await site.induct({ from: today, to: today });
    mkdirSync(pictures, { recursive: true });
    for (const locale of ["en-GB", "id-ID"])
      for (const theme of ["light", "dark"] as const)
        for (const width of [1280, 360]) {
          const page = await browser.open({ locale, theme, width });
          await page.goto(`${site.url}/ui/`);
          const look = async (name: string) => {
            const at = `${name}-${locale.slice(0, 2)}-${theme}-${width}`;
            await page.screenshot({ path: join(pictures, `${at}.png`), fullPage: true });
            const sideways = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
            expect({ at, sideways, found: await axeOf(page) }).toEqual({ at, sideways: 0, found: [] });
          };
          await look("login");
          await logIn(page, site);
          await look("now");
          for (const name of ["people", "cases", "runs", "runs/new", "system"]) {
            await page.goto(`${site.url}/ui/${name}`);
            await look(name.replace("/", "-"));
          }
          await page.goto(`${site.url}/ui/runs`);
          await page.click("table a");
          await look("run");
          await page.goto(`${site.url}/ui/cases`);
          await page.click("summary >> nth=0");
          await page.click("details a >> nth=0");
          await page.click("summary");
          await look("case");
          await page.goto(`${site.url}/ui/cases`);
          await page
            .locator("article", { hasText: String(first.name) })
            .locator("a >> nth=-1")
            .click();
          await look("conflict");
          await page.fill("[type=search]", "2600003");
          const loaded = page.waitForEvent("load");
          await page.keyboard.press("Enter");
          await loaded;
          await look("person");
          await page.goto(`${site.url}/ui/do/drop?code=bad_name&stage=create-person`);
          await look("confirm");
          await page.context().close();
        }
  }, 600_000);
});
