import axe from "axe-core";
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

export const chromiumPath = "/usr/bin/chromium";
/** Nothing that it does by itself may reach a network. */
const quiet =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";

/** What a browser says of a page that is refused on purpose. */
const refused = /^Failed to load resource: the server responded with a status of 40[0134]/;

export interface Look extends BrowserContextOptions {
  theme?: "light" | "dark";
  width?: number;
  locale?: string;
}

/** A browser; what went wrong in its pages, and whom they asked, is noted. */
export async function openBrowser() {
  const args = [...quiet.split(" "), "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"];
  const browser = await chromium.launch({ executablePath: chromiumPath, args });
  const errors: string[] = [];
  const requests: string[] = [];
  const contexts = new Set<BrowserContext>();
  return {
    errors,
    requests,
    /** An ordinary window: its cookies are its own. */
    async open({ theme = "light", width = 1280, locale = "en-GB", ...options }: Look = {}): Promise<Page> {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: theme,
        locale,
        ...options,
      });
      contexts.add(context);
      context.on("request", (request) => requests.push(request.url()));
      context.on("page", (page) => {
        page.on("console", (message) => {
          if (message.type() === "error" && !refused.test(message.text()))
            errors.push(`${page.url()}: ${message.text()}`);
        });
        page.on("pageerror", (error) => errors.push(`${page.url()}: ${error.message}`));
      });
      return await context.newPage();
    },
    async [Symbol.asyncDispose]() {
      for (const context of contexts) await context.close();
      await browser.close();
    },
  };
}
export type Browser = Awaited<ReturnType<typeof openBrowser>>;

const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds on a page, as `rule: element`. n.b. Under our policy axe comes in by evaluate, not as a script tag. */
export async function axeOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (only) => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run({ runOnly: only });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  }, rules);
  return found;
}
