import type { RunView, Tally } from "../../ledger/runs.ts";
import { ActionLink, Cell, State, Table, type Tone, When } from "../parts.tsx";
import { isOperator, type Page, type UiOptions, type View } from "../view.ts";
import { CodeText } from "./code.tsx";

export async function runsPage({ operator }: UiOptions, view: View): Promise<Page> {
  const runs = await operator.runs();
  const { runs: texts } = view.words;
  const main = (
    <>
      <h1>{texts.title}</h1>
      <p>
        {isOperator(view) ? (
          <a class="button main" href="/ui/runs/new">
            {texts.start}
          </a>
        ) : (
          <ActionLink action="start" view={view}>
            {texts.start}
          </ActionLink>
        )}
      </p>
      {runs.length === 0 ? (
        <p>{texts.none}</p>
      ) : (
        <Table
          caption={texts.title}
          heads={[texts.run, texts.started, texts.status, texts.dates, texts.through, texts.dead]}
          numbers={[texts.through, texts.dead]}
        >
          {runs.map((run) => (
            <tr>
              <Cell head={texts.run}>
                <RunLink run={run} />
              </Cell>
              <Cell head={texts.started}>
                <When at={run.at} view={view} />
              </Cell>
              <Cell head={texts.status}>
                <Status run={run} view={view} />
              </Cell>
              <Cell head={texts.dates}>{datesText(run, view)}</Cell>
              <Cell head={texts.through} number>
                {run.through}/{run.employees}
              </Cell>
              <Cell head={texts.dead} number>
                {run.dead}
              </Cell>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
  return { title: texts.title, main, isLive: true };
}

export async function runPage({ operator }: UiOptions, view: View, id: string): Promise<Page> {
  const run = operator.run(id);
  const { runs: texts } = view.words;
  if (run === undefined) return { title: texts.title, status: 404, main: <Unknown view={view} /> };
  const left = run.status === "fetching" || run.status === "working";
  const main = (
    <>
      <h1>{texts.title1(run.run)}</h1>
      <p class="lead">
        <Status run={run} view={view} /> {texts.sentence(run.through, run.employees, run.dead, run.open)}
      </p>
      <meter
        class="wide"
        min={0}
        max={Math.max(1, run.employees)}
        value={run.through + run.dead}
        aria-label={texts.through}
      ></meter>
      <dl class="facts">
        <div>
          <dt>{texts.started}</dt>
          <dd>
            <When at={run.at} view={view} />
          </dd>
        </div>
        {run.by && (
          <div>
            <dt>{texts.startedBy}</dt>
            <dd>
              {run.by.how === "page" && `${run.by.name}, `}
              {texts.by[run.by.how]}
            </dd>
          </div>
        )}
        <div>
          <dt>{texts.dates}</dt>
          <dd>
            {datesText(run, view)}: {texts.pages(run.fetched.done + run.fetched.dead, run.fetched.of, run.pages)}
            {run.limit !== undefined && `, ${texts.limited(run.limit)}`}
            {run.kib && `, ${texts.onlyKib(run.kib.join(", "))}`}
          </dd>
        </div>
      </dl>
      {run.part && <p class="detail">{texts.part}</p>}
      {left && (
        <p>
          <ActionLink action="cancel" fields={{ run: run.run }} view={view} tone="danger">
            {texts.cancel}
          </ActionLink>
        </p>
      )}
      <section aria-labelledby="by-stage">
        <h2 id="by-stage">{texts.byStage}</h2>
        <StageBars run={run} stages={operator.options.registered.map(({ stage }) => stage.name)} view={view} />
      </section>
      <Tallies title={texts.deadLetters} tallies={run.deadLetters} view={view} />
      <Tallies title={texts.warnings} tallies={run.warnings} view={view} />
      <p>
        <a href="/ui/runs">{texts.back}</a>
      </p>
    </>
  );
  return { title: texts.title1(run.run), main, isLive: true };
}

/** How many got through each stage, in the order in which they are passed. */
function StageBars({ run, stages, view }: { run: RunView; stages: readonly string[]; view: View }) {
  const { runs: texts } = view.words;
  const place = (stage: string) => (stages.includes(stage) ? stages.indexOf(stage) : stages.length);
  const passed = Object.entries(run.stages).sort(([a], [b]) => place(a) - place(b));
  return (
    <ol class="funnel" aria-label={texts.byStage}>
      {passed.map(([stage, { done = 0, ended = 0, ...others }]) => (
        <li>
          <span>{stage}</span>
          <meter min={0} max={Math.max(1, run.employees)} value={done + ended} aria-label={stage}></meter>
          <strong>{done + ended}</strong>
          {Object.keys(others).length > 0 && (
            <span class="detail">
              {Object.entries(others)
                .map(([outcome, count]) => `${texts.outcomes[outcome as keyof typeof texts.outcomes]}: ${count}`)
                .join(", ")}
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

/** The dates to start a run with; the confirm page follows. */
export async function newRunPage({ timeZone }: UiOptions, view: View): Promise<Page> {
  const { runs: texts } = view.words;
  const today = view.times.now.toLocaleDateString("sv-SE", { timeZone });
  const main = (
    <>
      <h1>{texts.start}</h1>
      {isOperator(view) ? (
        <form method="get" action="/ui/do/start" class="stack">
          <label>
            {texts.from}
            <input type="date" name="from" value={today} required />
          </label>
          <label>
            {texts.until}
            <input type="date" name="to" value={today} required />
          </label>
          <label>
            {texts.kib}
            <input type="text" name="kib" maxlength={500} autocomplete="off" />
          </label>
          <button type="submit" class="main">
            {texts.continue}
          </button>
        </form>
      ) : (
        <p>{view.words.actions.viewer}</p>
      )}
    </>
  );
  return { title: texts.start, main };
}

/** One run in two lines. */
export function RunLine({ run, view }: { run: RunView; view: View }) {
  const { runs: texts } = view.words;
  return (
    <p>
      <Status run={run} view={view} /> {texts.sentence(run.through, run.employees, run.dead, run.open)}
      <br />
      <RunLink run={run} /> · {datesText(run, view)} · <When at={run.at} view={view} />
    </p>
  );
}

const RunLink = ({ run: { run } }: { run: RunView }) => <a href={`/ui/runs/${encodeURIComponent(run)}`}>{run}</a>;

const tones: Record<RunView["status"], Tone> = {
  fetching: "note",
  working: "note",
  done: "good",
  cancelled: "idle",
  lost: "bad",
};
const Status = ({ run: { status }, view }: { run: RunView; view: View }) => (
  <State tone={tones[status]}>{view.words.runs.statuses[status]}</State>
);

function datesText({ dates }: RunView, { words, times }: View): string {
  const [first, last] = [dates[0], dates.at(-1)];
  if (first === undefined || last === undefined) return "–";
  return first === last ? times.date(first) : `${times.date(first)} ${words.runs.to} ${times.date(last)}`;
}

function Tallies({ title, tallies, view }: { title: string; tallies: readonly Tally[]; view: View }) {
  if (tallies.length === 0) return null;
  const { codes } = view.words;
  return (
    <section>
      <h2>{title}</h2>
      <Table caption={title} heads={[codes.meaning, codes.count]} numbers={[codes.count]}>
        {tallies.map(({ code, count, text }) => (
          <tr>
            <Cell head={codes.meaning}>
              <CodeText code={code} view={view} />
              <details>
                <summary>{codes.details}</summary>
                <p class="detail">{text}</p>
              </details>
            </Cell>
            <Cell head={codes.count} number>
              {count}
            </Cell>
          </tr>
        ))}
      </Table>
    </section>
  );
}

const Unknown = ({ view }: { view: View }) => (
  <>
    <h1>{view.words.runs.title}</h1>
    <p>{view.words.runs.unknown}</p>
    <p>
      <a href="/ui/runs">{view.words.runs.back}</a>
    </p>
  </>
);
