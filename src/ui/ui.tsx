import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { textOf } from "../errors.ts";
import { nowOf } from "../operator/overview/now.ts";
import { sentenceOf } from "../operator/overview/sentence.ts";
import { isLanguage, type Language, languageOf } from "../operator/words/language.ts";
import { Times } from "../operator/words/times.ts";
import { sourceOf } from "../util/access/attempts.ts";
import { sameText } from "../util/access/same-text.ts";
import { visible, visibleLines } from "../util/text/visible.ts";
import { audit, fieldsOf } from "./actions/action.ts";
import { actions } from "./actions/actions.ts";
import { assetAt } from "./assets/assets.ts";
import { LivePages } from "./events.ts";
import { Layout, titleOf } from "./layout.tsx";
import { casesCsv } from "./pages/cases.tsx";
import { confirmPage, messagePage } from "./pages/confirm.tsx";
import { type LoginProblem, loginPage } from "./pages/login.tsx";
import { pageAt } from "./pages/pages.tsx";
import { searchFor } from "./pages/people.tsx";
import { isSide, pictureAt } from "./photos.tsx";
import type { Role, Session } from "./sessions.ts";
import { isOperator, type Page, type UiOptions, type View } from "./view.ts";
import { uiWordsIn } from "./words/words.ts";

const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'";
const [cookie, languageCookie] = ["hs-session", "hs-lang"];
const yearSeconds = 365 * 86_400;
const sessionSeconds = 12 * 3_600;
const streamHeaders = { "content-type": "text/event-stream" };
const maxWrong = 10;
const longestName = 60;
const longestKey = 100;

/** What Bun's server tells of a request. */
interface Connection {
  requestIP?(request: Request): { address: string } | null;
  /** It came over the operators' socket. */
  isOperator?: true;
}
const connectionOf = (c: Context): Connection => c.env ?? {};

/** The page for operators and the HSE desk, under `/ui/`. */
export function createUi(options: UiOptions): { app: Hono; live: LivePages } {
  const { sessions, operator, log, timeZone, http, attempts } = options;
  const live = new LivePages(operator, sessions);
  const app = new Hono();
  /** Nothing reaches a browser but through it: no secret, no NIK, and nothing that turns the direction of a text. */
  const shown = (html: string) => visibleLines(log.mask(html));

  const languageFor = (c: Context): Language => {
    const wanted = [c.req.query("lang"), getCookie(c, languageCookie)].find(isLanguage);
    return wanted ?? languageOf(c.req.header("accept-language"));
  };
  const timesFor = (c: Context) => new Times(languageFor(c), timeZone, operator.options.ledger.now());
  const sessionOf = (c: Context) => sessions.find(getCookie(c, cookie));
  const viewOf = (c: Context, session: Session, isPush = false): View => {
    const times = timesFor(c);
    return { words: uiWordsIn(times.language), times, session, isPush };
  };
  const isSecure = (c: Context) => new URL(c.req.url).protocol === "https:";
  const isLocal = (c: Context) => /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(c.req.url).hostname);

  const show = async (c: Context, page: Page, view?: View) => {
    const language = languageFor(c);
    if (isLanguage(c.req.query("lang")))
      setCookie(c, languageCookie, language, { path: "/ui", sameSite: "Strict", maxAge: yearSeconds });
    const { pathname } = new URL(c.req.url);
    const result = view?.session.result;
    if (view) view.session.result = undefined;
    const frame = { address: pathname, language, words: uiWordsIn(language), timeZone, view, result };
    const html = await (<Layout page={page} frame={{ ...frame, isPlain: !isSecure(c) && !isLocal(c) }} />);
    const text = `<!doctype html>${shown(String(html))}`;
    c.header("vary", "Accept-Encoding, Accept-Language, Cookie");
    if (!/\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) return c.html(text, page.status ?? 200);
    const headers = { "content-type": "text/html; charset=utf-8", "content-encoding": "gzip" };
    return c.body(Bun.gzipSync(text), page.status ?? 200, headers);
  };
  const message = (c: Context, view: View, status: NonNullable<Page["status"]>, text: string, title: string) =>
    show(c, messagePage({ title, text, to: "/ui/", status }, view.words), view);
  const showLogin = async (c: Context, problem?: LoginProblem, status?: Page["status"]) => {
    const times = timesFor(c);
    const now = await nowOf(operator, timeZone);
    const hasToken = http.token !== undefined || http.viewToken !== undefined;
    const about = { sentence: sentenceOf(now, times), isBad: now.troubles.length > 0, hasToken, problem };
    return show(c, { ...loginPage(uiWordsIn(times.language), about), ...(status && { status }) });
  };
  const logIn = (c: Context, role: Role, name: string) => {
    const id = sessions.open(role, name);
    const more = { httpOnly: true, sameSite: "Strict", maxAge: sessionSeconds, secure: isSecure(c) } as const;
    setCookie(c, cookie, id, { path: "/ui", ...more });
    const session = sessions.find(id);
    if (session) audit(options, viewOf(c, session), { action: "login", what: role, result: "" });
    return c.redirect("/ui/", 303);
  };

  app.use("/ui/*", async (c, next) => {
    await next();
    c.header("content-security-policy", policy);
    c.header("x-content-type-options", "nosniff");
    // n.b. With no-referrer a browser sends its own forms with the origin "null".
    c.header("referrer-policy", "same-origin");
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  });

  app.get("/", (c) => c.redirect("/ui/", 302));
  app.get("/ui", (c) => c.redirect("/ui/", 302));
  app.get("/ui/assets/*", (c) => assetAt(c.req.path, c.req.header("accept-encoding")) ?? c.notFound());

  app.post("/ui/login", async (c) => {
    const sent = new URLSearchParams(await c.req.text());
    const [name, token] = [sent.getAll("name"), sent.getAll("token")].map((all) =>
      all.length === 1 ? all[0] : undefined,
    );
    if (name === undefined || token === undefined) return showLogin(c, "bad", 400);
    const who = name.trim().slice(0, longestName);
    if (who === "") return showLogin(c, "name_missing", 400);
    const roles = { operator: http.token, viewer: http.viewToken };
    for (const [role, secret] of Object.entries(roles))
      if (secret && sameText(token, secret.reveal())) return logIn(c, role as Role, who);
    const source = sourceOf(connectionOf(c).requestIP?.(c.req.raw)?.address ?? "unknown");
    const count = attempts.add(source);
    if (count === 1)
      log.warn(`wrong token from ${source}; more of them are logged once a minute`, { code: "wrong_token" });
    return count > maxWrong ? showLogin(c, "slow", 403) : showLogin(c, "wrong", 401);
  });
  // Only over the operators' socket: whoever may write to it is an operator.
  app.post("/ui/open", async (c) => {
    if (!connectionOf(c).isOperator) return c.json({ error: "use: hikvision-sync open" }, 403);
    const name = (await c.req.text()).trim().slice(0, longestName) || "operator";
    return c.json({ url: `${options.origin()}/ui/open?key=${sessions.makeLink(name)}` });
  });
  app.get("/ui/open", async (c) => {
    const name = sessions.useLink(c.req.query("key") ?? "");
    return name === undefined ? showLogin(c, "link", 401) : logIn(c, "operator", name);
  });
  app.post("/ui/logout", (c) => {
    sessions.close(getCookie(c, cookie));
    deleteCookie(c, cookie, { path: "/ui" });
    return c.redirect("/ui/", 303);
  });

  app.get("/ui/events", async (c) => {
    const sessionId = getCookie(c, cookie) ?? "";
    const session = sessions.find(sessionId);
    // A session may have ended with a restart: the page then asks for the login.
    if (session === undefined) return c.body("event: bye\ndata: log in\n\n", 200, streamHeaders);
    const path = c.req.query("page") ?? "";
    const render = async () => {
      const page = await pageAt(path, options, viewOf(c, session, true));
      const html = String(await page.main);
      // n.b. Before it becomes JSON, whose escapes would bring back what is shown as text.
      return JSON.stringify({ title: visible(log.mask(titleOf(page))), html: shown(html) });
    };
    const key = `${languageFor(c)} ${session.role} ${path}`;
    // n.b. A stream, because a browser tells a page nothing of another answer.
    return live.open({ key, render, session, sessionId }) ?? c.body("event: full\ndata: 20\n\n", 200, streamHeaders);
  });

  app.post("/ui/people", async (c) => {
    const session = sessionOf(c);
    if (!session) return showLogin(c, undefined, 401);
    const view = viewOf(c, session);
    const [key = "", ...more] = new URLSearchParams(await c.req.text()).getAll("key");
    if (key.trim() === "" || key.length > longestKey || more.length > 0)
      return message(c, view, 400, view.words.actions.bad, view.words.people.title);
    return c.redirect(await searchFor(key.trim(), options, view), 303);
  });

  app.get("/ui/people/:handle/photos/:side", async (c) => {
    const session = sessionOf(c);
    if (!session) return showLogin(c, undefined, 401);
    const view = viewOf(c, session);
    const { actions: texts, people } = view.words;
    if (!isOperator(view)) return message(c, view, 403, texts.viewer, people.photos);
    const { handle, side } = c.req.param();
    const picture = isSide(side) ? await pictureAt(handle, side, options, view) : undefined;
    return picture ?? message(c, view, 404, people.noPhoto, people.photos);
  });

  app.get("/ui/cases.csv", async (c) => {
    if (!sessionOf(c)) return showLogin(c, undefined, 401);
    const headers = {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": 'attachment; filename="cases.csv"',
    };
    return c.body(shown(await casesCsv(options)), 200, headers);
  });

  app.get("/ui/do/:action", async (c) => {
    const session = sessionOf(c);
    if (!session) return showLogin(c, undefined, 401);
    const view = viewOf(c, session);
    const { actions: texts } = view.words;
    const name = c.req.param("action");
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    const query = new URL(c.req.url).searchParams;
    query.delete("lang");
    const fields = action && fieldsOf(query, action);
    if (!action || !fields) return message(c, view, 400, texts.bad, texts.confirm);
    if (!isOperator(view)) return message(c, view, 403, texts.viewer, texts.confirm);
    const confirm = await action.confirm(options, view, fields);
    if (!confirm) return message(c, view, 404, texts.unknown, texts.confirm);
    return show(c, confirmPage(name, confirm, fields, view), view);
  });
  app.post("/ui/do/:action", async (c) => {
    const session = sessionOf(c);
    if (!session) return showLogin(c, undefined, 401);
    const view = viewOf(c, session);
    const { actions: texts } = view.words;
    if (!isOperator(view)) return message(c, view, 403, texts.viewer, texts.confirm);
    const name = c.req.param("action");
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    const sent = new URLSearchParams(await c.req.text());
    const forms = sent.getAll("form");
    sent.delete("form");
    const fields = action && fieldsOf(sent, action);
    if (!action || !fields || forms.length !== 1) return message(c, view, 400, texts.bad, texts.confirm);
    if (!session.forms.delete(forms[0] ?? "")) return message(c, view, 400, texts.gone, texts.confirm);
    const done = await action.run(options, view, fields);
    if (!done) return message(c, view, 404, texts.unknown, texts.confirm);
    session.result = done.text;
    return c.redirect(done.to, 303);
  });

  app.get("/ui/*", async (c) => {
    const session = sessionOf(c);
    const { pathname } = new URL(c.req.url);
    if (!session) return showLogin(c, undefined, pathname === "/ui/" ? 200 : 401);
    const view = viewOf(c, session);
    return show(c, await pageAt(pathname, options, view), view);
  });

  app.onError((thrown, c) => {
    log.error(`${c.req.method} ${c.req.path.replace(/^(\/ui\/\w*).*/, "$1")} failed: ${textOf(thrown)}`);
    const { broken } = uiWordsIn(languageFor(c));
    return c.html(`<!doctype html><title>${broken.title}</title><h1>${broken.title}</h1><p>${broken.text}</p>`, 503);
  });
  return { app, live };
}
