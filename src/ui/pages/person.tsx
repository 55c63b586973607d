import { answerOf, type WhoAnswer } from "../../operator/who/answer.ts";
import { labelOf } from "../../operator/who/verdict.ts";
import type { WhoView } from "../../operator/who/who.ts";
import { wordsIn } from "../../operator/words/words.ts";
import { lookedAt } from "../looks.ts";
import { ActionLink, Cell, State, Table, When } from "../parts.tsx";
import { bothSides, Photos } from "../photos.tsx";
import type { Page, UiOptions, View } from "../view.ts";
import { messagePage } from "./confirm.tsx";

/** Whether one person can enter, why not, and what happened on the way. */
export async function personPage(options: UiOptions, view: View, handle: string): Promise<Page> {
  const { people: texts } = view.words;
  const { upstreams } = options.operator.options.running ?? {};
  const views = await lookedAt(handle, options, view.isPush);
  const [first, ...others] = views ?? [];
  if (!upstreams || views === undefined)
    return messagePage({ title: texts.title, text: texts.gone, to: "/ui/people", status: 404 }, view.words);
  if (first === undefined) {
    const text = wordsIn(view.times.language).who.nobody;
    return messagePage({ title: texts.title, text, to: "/ui/people", status: 404 }, view.words);
  }
  const answer = answerOf(first, upstreams, view.times);
  const main = (
    <>
      <h1 aria-live="polite" class={answer.canEnter ? "good" : "bad"}>
        {answer.sentence}
      </h1>
      <p class="actions">
        {first.human.record?.kib === undefined ? (
          <span class="detail">{texts.noSync}</span>
        ) : (
          <ActionLink action="sync" fields={{ person: handle }} view={view} tone="main">
            {texts.sync}
          </ActionLink>
        )}
        <a class="button" href={`/ui/people/${handle}`}>
          {texts.again}
        </a>
      </p>
      <Compared answer={answer} look={first} view={view} />
      <Photos of={bothSides(handle, views)} options={options} view={view} />
      <Problems answer={answer} view={view} />
      {others.length > 0 && (
        <section aria-labelledby="others">
          <h2 id="others">{texts.others}</h2>
          <ul class="troubles">
            {others.map((one) => (
              <li>{answerOf(one, upstreams, view.times).sentence}</li>
            ))}
          </ul>
        </section>
      )}
      <Happened answer={answer} view={view} />
    </>
  );
  return { title: labelOf(first.human), main, isLive: true };
}

/** What each of the two systems holds. */
export function Compared({ answer, look, view }: { answer: WhoAnswer; look: WhoView; view: View }) {
  const { people: texts } = view.words;
  const { fields } = wordsIn(view.times.language).who;
  const { record } = look.human;
  return (
    <section aria-labelledby="compared">
      <h2 id="compared">{texts.compared}</h2>
      <Table caption={texts.compared} heads={[texts.field, texts.eposh, texts.hikcentral, texts.agrees]}>
        {answer.fields.map(({ field, eposh, hikcentral, isRight, why }) => (
          <tr>
            <Cell head={texts.field}>{fields[field]}</Cell>
            <Cell head={texts.eposh}>{eposh ?? "–"}</Cell>
            <Cell head={texts.hikcentral}>{hikcentral ?? "–"}</Cell>
            <Cell head={texts.agrees}>
              <State tone={isRight ? "good" : "bad"}>{isRight ? texts.yes : texts.no}</State>
              {why !== null && <p class="detail">{why}</p>}
            </Cell>
          </tr>
        ))}
      </Table>
      <p class="detail">
        {record ? texts.inducted(view.times.date(record.date)) : look.isEposhKnown ? texts.noRecord : texts.eposhAway} ·{" "}
        {texts.readAt} <When at={look.at} view={view} />
      </p>
    </section>
  );
}

function Problems({ answer: { problems }, view }: { answer: WhoAnswer; view: View }) {
  if (problems.length === 0) return null;
  const { people: texts, codes } = view.words;
  return (
    <section aria-labelledby="problems">
      <h2 id="problems">{texts.problems}</h2>
      <ul class="troubles">
        {problems.map(({ code, stage, text, meaning, todo }) => (
          <li>
            <p>{meaning}</p>
            <p>
              <strong>{codes.todo}:</strong> {todo}
            </p>
            <details>
              <summary>{codes.details}</summary>
              <p class="detail">
                {text} (<code>{code}</code> · {stage})
              </p>
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Happened({ answer: { traces }, view }: { answer: WhoAnswer; view: View }) {
  const { people: texts, runs } = view.words;
  return (
    <section aria-labelledby="trace">
      <h2 id="trace">{texts.trace}</h2>
      {traces.length === 0 && <p>{texts.noTrace}</p>}
      {traces.toReversed().map(({ run, steps }) => (
        <>
          {run && (
            <h3>
              <a href={`/ui/runs/${encodeURIComponent(run)}`}>{texts.run(run)}</a>
            </h3>
          )}
          <Table caption={run ? texts.run(run) : texts.trace} heads={[texts.when, texts.stage, texts.outcome]}>
            {steps.map(({ at, stage, outcome, code }) => (
              <tr>
                <Cell head={texts.when}>
                  <When at={at} view={view} />
                </Cell>
                <Cell head={texts.stage}>{stage}</Cell>
                <Cell head={texts.outcome}>
                  {runs.outcomes[outcome]}
                  {code && (
                    <>
                      {" "}
                      <code>{code}</code>
                    </>
                  )}
                </Cell>
              </tr>
            ))}
          </Table>
        </>
      ))}
    </section>
  );
}
