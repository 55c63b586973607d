import { type ComparisonNote, lastComparisons } from "../../ledger/cases/last-comparison.ts";
import type { RunView } from "../../ledger/runs.ts";
import { type NowView, nowOf, type SystemView } from "../../operator/overview/now.ts";
import { sentenceOf, troubleText } from "../../operator/overview/sentence.ts";
import { codeTextIn } from "../../operator/words/codes.ts";
import { Cell, FunnelBars, State, Table, type Tone, When } from "../parts.tsx";
import type { Page, UiOptions, View } from "../view.ts";
import { anchorOf } from "./cases.tsx";
import { CodeText } from "./code.tsx";
import { RunLine } from "./runs.tsx";
import { StageTable } from "./system.tsx";

export async function nowPage({ operator, timeZone }: UiOptions, view: View): Promise<Page> {
  const now = await nowOf(operator, timeZone);
  const [lastRun] = await operator.runs(1);
  const compared = lastComparisons(operator.options.ledger);
  const main = <Now now={now} lastRun={lastRun} compared={compared} view={view} />;
  return { title: sentenceOf(now, view.times), main, isLive: true };
}

function Now({ now, lastRun, compared, view }: NowOf) {
  const { words, times } = view;
  const { funnel, troubles, causes } = now;
  const { now: texts } = words;
  return (
    <>
      <h1 aria-live="polite" class={troubles.length > 0 ? "bad" : "good"}>
        {sentenceOf(now, times)}
      </h1>
      {troubles.length > 0 && (
        <section aria-labelledby="wrong">
          <h2 id="wrong">{texts.troubles}</h2>
          <ul class="troubles">
            {troubles.map((trouble) => (
              <li>
                <p>{troubleText(trouble, times)}</p>
                {"detail" in trouble && trouble.detail !== "" && <p class="detail">{trouble.detail}</p>}
                {"code" in trouble && <CodeText code={trouble.code} view={view} />}
              </li>
            ))}
          </ul>
        </section>
      )}
      <div class="columns">
        <section aria-labelledby="funnel">
          <h2 id="funnel">{texts.funnel}</h2>
          <FunnelBars funnel={funnel} view={view} caption={texts.funnelOf(times.date(now.today))} />
        </section>
        <section aria-labelledby="systems">
          <h2 id="systems">{texts.systems}</h2>
          <dl class="systems">
            {now.systems.map((system) => (
              <div>
                <dt>{system.name === "photo" ? texts.photo : system.name}</dt>
                <dd>
                  <SystemState system={system} view={view} />
                </dd>
              </div>
            ))}
            <div>
              <dt>{texts.broker}</dt>
              <dd>
                <State tone={now.broker.state === "up" ? "good" : "bad"}>
                  {texts.brokerStates[now.broker.state as keyof typeof texts.brokerStates]}
                </State>
              </dd>
            </div>
          </dl>
        </section>
      </div>
      <section aria-labelledby="causes">
        <h2 id="causes">{texts.causes}</h2>
        {causes.length === 0 ? (
          <p>{texts.noCauses}</p>
        ) : (
          <Table caption={texts.causes} heads={[texts.cause, texts.people, texts.last]} numbers={[texts.people]}>
            {causes.map(({ code, stage, count, last }) => (
              <tr>
                <Cell head={texts.cause}>
                  <a href={`/ui/cases#${anchorOf({ code, stage })}`}>
                    {codeTextIn(code, times.language)?.meaning ?? words.codes.own}
                  </a>
                  <p class="detail">
                    <code>{code}</code> · {stage}
                  </p>
                </Cell>
                <Cell head={texts.people} number>
                  {count}
                </Cell>
                <Cell head={texts.last}>
                  <When at={last} view={view} />
                </Cell>
              </tr>
            ))}
          </Table>
        )}
      </section>
      <section aria-labelledby="stages">
        <h2 id="stages">{texts.stages}</h2>
        <StageTable stages={now.stages} view={view} />
      </section>
      <section aria-labelledby="last-run">
        <h2 id="last-run">{texts.lastRun}</h2>
        {lastRun ? <RunLine run={lastRun} view={view} /> : <p>{texts.noRun}</p>}
      </section>
      <section aria-labelledby="comparison">
        <h2 id="comparison">{texts.comparison}</h2>
        {compared.length === 0 && <p>{texts.notCompared}</p>}
        {compared.map((one) => (
          <Comparison compared={one} view={view} />
        ))}
      </section>
    </>
  );
}

interface NowOf {
  now: NowView;
  lastRun: RunView | undefined;
  compared: readonly ComparisonNote[];
  view: View;
}

function Comparison({ compared, view }: { compared: ComparisonNote; view: View }) {
  const { now: texts } = view.words;
  const { trouble, unchecked, at, dates } = compared;
  const [from, to] = dates?.map((date) => view.times.date(date)) ?? [];
  return (
    <>
      <p>
        {trouble === null ? texts.compared(compared) : texts.endedEarly}
        {trouble === null && unchecked > 0 && ` ${texts.unchecked(unchecked)}`}
      </p>
      {trouble !== null && <p class="detail">{trouble}</p>}
      <p class="detail">
        {from && to ? texts.ofVerify(from, to) : texts.ofNight} · <When at={at} view={view} />
      </p>
    </>
  );
}

const tones: Record<SystemView["state"], Tone> = { up: "good", probing: "note", down: "bad", "not asked": "idle" };

function SystemState({ system: { state, since }, view }: { system: SystemView; view: View }) {
  const { states, notAskedSince, downSince } = view.words.now;
  const time = since && view.times.since(since);
  const told = state === "down" ? downSince : notAskedSince;
  return (
    <State tone={tones[state]}>
      {time && (state === "down" || state === "not asked") ? told(time) : states[state]}
    </State>
  );
}
