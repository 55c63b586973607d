import { allCasesOf, type CaseView, casesOf, firstOfEach, type Group } from "../../operator/cases.ts";
import { subjectOfCase } from "../../operator/who/search.ts";
import { labelOf } from "../../operator/who/verdict.ts";
import { csvOf } from "../../util/text/csv.ts";
import { decideTexts } from "../actions/decide.ts";
import { lookedAt } from "../looks.ts";
import { ActionLink, When } from "../parts.tsx";
import { isOperator, type Page, type UiOptions, type View } from "../view.ts";
import { CodeText } from "./code.tsx";
import { messagePage } from "./confirm.tsx";
import { Asked, Conflict } from "./conflict.tsx";

const maxShown = 100;
const maxConflicts = 20;
/** A case is opened from its queue: a broker that hangs is not waited for. */
const patienceMs = 1_500;

/** The open cases, by cause and then by person; from the ledger alone. */
export async function casesPage({ operator }: UiOptions, view: View): Promise<Page> {
  const { ledger, mask } = operator.options;
  const { cases: texts } = view.words;
  const dead = await firstOfEach(ledger, { kind: "dead letter" }, mask, maxShown);
  const warned = await firstOfEach(ledger, { kind: "warning" }, mask, maxShown);
  const sum = (groups: readonly Group[]) => groups.reduce((all, { count }) => all + count, 0);
  const total = sum(dead) + sum(warned);
  const main = (
    <>
      <h1 aria-live="polite">{texts.sentence(sum(dead), total)}</h1>
      {total > 0 && (
        <p>
          <a href="/ui/cases.csv">{texts.csv}</a>
        </p>
      )}
      {[...dead, ...warned].map((group) => (
        <Cause group={group} view={view} />
      ))}
    </>
  );
  return { title: texts.title, main, isLive: true };
}

/** Where a cause stands on the page of all cases. */
export const anchorOf = ({ code, stage }: Pick<Group, "code" | "stage">): string => `${code}-${stage}`;

function Cause({ group, view }: { group: Group; view: View }) {
  const { code, stage, kind, cases, decision, count } = group;
  const { cases: texts } = view.words;
  const isDead = kind === "dead letter";
  const more = count - cases.length;
  return (
    <section aria-label={`${code} ${stage}`} id={decision ? undefined : anchorOf(group)}>
      <h2>
        {texts.people(count)} · {isDead ? texts.heldUp : texts.lacking}
      </h2>
      <CodeText code={code} stage={stage} view={view} />
      {decision && (
        <p class="banner">{view.words.actions.decide.done(decideTexts(group, view).answers[decision].title)}</p>
      )}
      {code === "identity_conflict" && cases.slice(0, maxConflicts).map((one) => <Conflict of={one} view={view} />)}
      <details>
        <summary>{texts.who}</summary>
        <ul class="plain-list people">
          {cases.map((one) => (
            <li>
              <a href={`/ui/cases/${encodeURIComponent(one.id)}`}>{nameOf(one, view)}</a>{" "}
              <When at={one.last} view={view} />
            </li>
          ))}
        </ul>
        {more > 0 && <p>{texts.more(more)}</p>}
      </details>
      <p class="actions">
        {isDead && (
          <ActionLink action="replay" fields={{ code, stage }} view={view}>
            {texts.replayAll}
          </ActionLink>
        )}
        <ActionLink action="drop" fields={{ code, stage }} view={view} tone="danger">
          {texts.dropAll}
        </ActionLink>
      </p>
    </section>
  );
}

const nameOf = ({ name, kib }: CaseView, view: View) => labelOf({ name: name ?? view.words.cases.noName, kib });

export async function casePage(options: UiOptions, view: View, id: string): Promise<Page> {
  const { operator, sessions } = options;
  const { cases: texts, codes } = view.words;
  const { ledger, mask } = operator.options;
  const known = casesOf(ledger, { ids: [id] }, mask).find((one) => one.id === id);
  if (known === undefined)
    return messagePage({ title: texts.title, text: texts.gone, to: "/ui/cases", status: 404 }, view.words);
  const { code, stage, text, kind, name, kib, runs, first, last, run, closed } = known;
  const isAsked = code === "identity_conflict" && !closed;
  const handle =
    name === undefined && kib === undefined ? undefined : sessions.handleOf(subjectOfCase(ledger, { name, kib }));
  const [opened, views = []] = await Promise.all([
    Promise.race([operator.dead.show(known.id).catch(() => undefined), late()]),
    isAsked && handle !== undefined ? lookedAt(handle, options, view.isPush) : [],
  ]);
  const main = (
    <>
      <h1>{nameOf(known, view)}</h1>
      <CodeText code={code} stage={stage} view={view} />
      {closed && <p class="banner">{texts.closed}</p>}
      <p class="actions">
        {handle !== undefined && (
          <a class="button main" href={`/ui/people/${handle}`}>
            {texts.person}
          </a>
        )}
        {kind === "dead letter" && !closed && (
          <ActionLink action="replay" fields={{ id: known.id }} view={view}>
            {texts.replay}
          </ActionLink>
        )}
        {!closed && (
          <ActionLink action="drop" fields={{ id: known.id }} view={view} tone="danger">
            {texts.drop}
          </ActionLink>
        )}
      </p>
      {isAsked && <Asked about={known} handle={handle} views={views} options={options} view={view} />}
      <dl class="facts">
        <div>
          <dt>{texts.first}</dt>
          <dd>
            <When at={first} view={view} />
          </dd>
        </div>
        <div>
          <dt>{texts.last}</dt>
          <dd>
            <When at={last} view={view} /> · {texts.runs(runs)}
            {run && (
              <>
                {" · "}
                <a href={`/ui/runs/${encodeURIComponent(run)}`}>{run}</a>
              </>
            )}
          </dd>
        </div>
      </dl>
      <details>
        <summary>{codes.details}</summary>
        <p>{text}</p>
        {opened?.history.map((one) => (
          <p class="detail">
            <When at={one.at} view={view} /> {one.stage} <code>{one.code}</code>: {one.text}
          </p>
        ))}
        {opened?.body ? (
          <pre>{isOperator(view) ? opened.body : withoutLinks(opened.body)}</pre>
        ) : (
          kind === "dead letter" && <p>{texts.noBody}</p>
        )}
      </details>
      <p>
        <a href="/ui/cases">{texts.back}</a>
      </p>
    </>
  );
  return { title: texts.title, main };
}

/** A link may show the photo, which is for operators only. */
const withoutLinks = (body: string) => body.replace(/https?:\/\/[^"\s]+/gi, "[link]");

const late = () => Bun.sleep(patienceMs).then(() => undefined);

export async function casesCsv({ operator }: UiOptions): Promise<string> {
  const { ledger, mask } = operator.options;
  const heads = ["case", "kind", "code", "stage", "name", "kib", "first", "last", "runs", "text"];
  const all = await allCasesOf(ledger, {}, mask);
  const rows = all.map(({ id, kind, code, stage, name, kib, first, last, runs, text }) => {
    return [id, kind, code, stage, name, kib, first, last, runs, text];
  });
  return csvOf(heads, rows);
}
