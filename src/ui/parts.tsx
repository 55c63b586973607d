import type { Child } from "hono/jsx";
import type { Funnel } from "../ledger/today.ts";
import { isOperator, type View } from "./view.ts";

/** A moment with its age beside it; the page's script keeps the age right. */
export function When({ at, view }: { at: Date | string; view: View }) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <span>{String(at)}</span>;
  const iso = date.toISOString();
  return (
    <span class="when">
      <time datetime={iso}>{view.times.moment(date)}</time>{" "}
      <span class="ago" data-ago={iso}>
        {view.times.ago(date)}
      </span>
    </span>
  );
}

export type Tone = "good" | "note" | "bad" | "idle";

/** A state in a word and a colour; the word alone says it. */
export const State = ({ tone, children }: { tone: Tone; children?: Child }) => (
  <span class={`state ${tone}`}>{children}</span>
);

/** A table that can be scrolled by itself on a small screen. */
export function Table({
  caption,
  heads,
  numbers = [],
  children,
}: {
  caption: string;
  heads: readonly string[];
  /** Those of `heads` over numbers. */
  numbers?: readonly string[];
  children?: Child;
}) {
  return (
    <table>
      <caption>{caption}</caption>
      <thead>
        <tr>
          {heads.map((head) => (
            <th scope="col" class={numbers.includes(head) ? "number" : undefined}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

/** A cell that says on a small screen, where the table is a list, what it is. */
export const Cell = ({ head, children, number }: { head: string; children?: Child; number?: boolean }) => (
  <td data-head={head} class={number ? "number" : undefined}>
    {children}
  </td>
);

export function FunnelBars({ funnel, view, caption }: { funnel: Funnel; view: View; caption: string }) {
  const { steps } = view.words.now;
  return (
    <ol class="funnel" aria-label={caption}>
      {(Object.keys(steps) as (keyof typeof steps)[]).map((step) => (
        <li>
          <span class="label">{steps[step]}</span>
          <meter min={0} max={Math.max(1, funnel.inducted)} value={funnel[step]} aria-label={steps[step]}></meter>
          <strong>{funnel[step]}</strong>
        </li>
      ))}
    </ol>
  );
}

/** A link to the confirm page of an action; for a viewer the reason why there is none. */
export function ActionLink({
  action,
  fields,
  view,
  tone,
  children,
}: {
  action: string;
  fields?: Record<string, string>;
  view: View;
  tone?: "danger" | "main";
  children?: Child;
}) {
  if (!isOperator(view))
    return (
      <span class="refused">
        {children} ({view.words.actions.viewerNote})
      </span>
    );
  const query = new URLSearchParams(fields).toString();
  return (
    <a class={`button ${tone ?? ""}`} href={`/ui/do/${action}${query && `?${query}`}`}>
      {children}
    </a>
  );
}
