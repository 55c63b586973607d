import type { Page, UiOptions, View } from "../view.ts";
import { casePage, casesPage } from "./cases.tsx";
import { messagePage } from "./confirm.tsx";
import { nowPage } from "./now.tsx";
import { peoplePage } from "./people.tsx";
import { personPage } from "./person.tsx";
import { newRunPage, runPage, runsPage } from "./runs.tsx";
import { systemPage } from "./system.tsx";

type PageOf = (options: UiOptions, view: View, word: string) => Page | Promise<Page>;

/** The first pattern that fits; its group is the page's word. */
const pages: readonly (readonly [RegExp, PageOf])[] = [
  [/^\/ui\/$/, nowPage],
  [/^\/ui\/people$/, peoplePage],
  [/^\/ui\/people\/([\w-]+)$/, personPage],
  [/^\/ui\/cases$/, casesPage],
  [/^\/ui\/cases\/([^/]+)$/, casePage],
  [/^\/ui\/runs$/, runsPage],
  [/^\/ui\/runs\/new$/, newRunPage],
  [/^\/ui\/runs\/([^/]+)$/, runPage],
  [/^\/ui\/system$/, systemPage],
];

/** What an address shows, for the browser's request and for its event stream. */
export async function pageAt(path: string, options: UiOptions, view: View): Promise<Page> {
  for (const [pattern, page] of pages) {
    const found = pattern.exec(path);
    if (found) return page(options, view, decoded(found[1] ?? ""));
  }
  const { title, text } = view.words.missing;
  return messagePage({ title, text, to: "/ui/", status: 404 }, view.words);
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return "";
  }
}
