import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Browser, chromiumPath, openBrowser } from "../support/browser.ts";
import { startSite } from "../support/site.ts";
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

describe.skipIf(!hasBrowser)("the page in a browser, for long", () => {
  test("shows a change within 2 s, says within 20 s of kill -9 that no data comes any more, and comes back by itself", async () => {
    await using site = await startSite({ as: "binary", env: { HTTP_TOKEN: token } });
    const page = await browser.open();
    await page.goto(`${site.url}/ui/`);
    await page.fill("[name=name]", "Rina");
    await page.fill("[name=token]", token);
    const stream = page.waitForRequest(/ui\/events/);
    await page.keyboard.press("Enter");
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
});
