import { languages } from "../operator/words/language.ts";
import { version } from "../version.ts";
import { paths } from "./assets/assets.ts";
import type { Page, View } from "./view.ts";
import type { UiWords } from "./words/english.ts";

export interface Frame {
  /** Path and query. */
  address: string;
  language: string;
  words: UiWords;
  timeZone: string;
  /** Undefined where nobody is logged in. */
  view: View | undefined;
  /** Whether others on the network can read along. */
  isPlain: boolean;
  result: string | undefined;
}

const languageNames = { en: "English", id: "Indonesia" };
/** What has no address yet is named all the same. */
const addresses = {
  now: "/ui/",
  people: "/ui/people",
  cases: "/ui/cases",
  runs: "/ui/runs",
  plan: undefined,
  system: "/ui/system",
};

/** A whole document around a page. */
export function Layout({ page, frame }: { page: Page; frame: Frame }) {
  const { words, address, language, view, isPlain, result } = frame;
  const { layout } = words;
  const [path = ""] = address.split("?");
  return (
    <html lang={language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{titleOf(page)}</title>
        <link rel="stylesheet" href={paths.style} />
        <link rel="icon" href={paths.icon} />
        {page.isLive && <script src={paths.morph} defer></script>}
        <script src={paths.page} defer></script>
      </head>
      <body>
        <a class="skip" href="#main">
          {layout.skip}
        </a>
        <header>
          <div class="bar">
            <span class="brand">hikvision-sync</span>
            {view && (
              <nav aria-label={layout.menu}>
                <ul>
                  {(Object.keys(addresses) as (keyof typeof addresses)[]).map((name) => (
                    <li class={addresses[name] === undefined ? "later" : undefined}>
                      <MenuEntry text={layout.pages[name]} to={addresses[name]} path={path} later={layout.later} />
                    </li>
                  ))}
                </ul>
              </nav>
            )}
          </div>
          <div class="bar">
            {view && (
              <search>
                <form method="post" action="/ui/people">
                  <input
                    type="search"
                    name="key"
                    aria-label={layout.search}
                    placeholder={layout.search}
                    required
                    maxlength={100}
                  />
                  <button type="submit">{layout.searchButton}</button>
                </form>
              </search>
            )}
            <div class="who">
              {view && (
                <form method="post" action="/ui/logout">
                  <span>
                    {view.session.name} ({layout.roles[view.session.role]})
                  </span>
                  <button type="submit" class="plain">
                    {layout.logout}
                  </button>
                </form>
              )}
              <ul aria-label={layout.language} class="languages">
                {languages.map((one) => (
                  <li>
                    <a href={`${path}?lang=${one}`} lang={one} aria-current={one === language ? "true" : undefined}>
                      {languageNames[one]}
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          </div>
        </header>
        <main id="main" tabindex={-1}>
          {isPlain && <p class="banner">{layout.plain}</p>}
          <p id="stale" class="banner" role="alert" hidden>
            {layout.stale} <time></time>
          </p>
          <p id="full" class="banner" role="alert" hidden>
            {layout.full}
          </p>
          {result && (
            <p class="result" role="status">
              {result}
            </p>
          )}
          <div id="live" data-page={view && page.isLive ? address : undefined}>
            {page.main}
          </div>
        </main>
        <footer>
          hikvision-sync {version} · {layout.zone(frame.timeZone)}
        </footer>
      </body>
    </html>
  );
}

function MenuEntry({ text, to, path, later }: { text: string; to: string | undefined; path: string; later: string }) {
  if (to === undefined)
    return (
      <span>
        {text} ({later})
      </span>
    );
  return (
    <a href={to} aria-current={isHere(path, to) ? "page" : undefined}>
      {text}
    </a>
  );
}

export const titleOf = ({ title }: Page): string => `${title} · hikvision-sync`;

const isHere = (path: string, address: string) => (address === "/ui/" ? path === address : path.startsWith(address));
