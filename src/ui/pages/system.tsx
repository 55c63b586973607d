import { placeOf } from "../../config/sources.ts";
import { type AuditEntry, auditOf } from "../../ledger/audit.ts";
import { nowOf, type StageView } from "../../operator/overview/now.ts";
import { ActionLink, Cell, State, Table, type Tone, When } from "../parts.tsx";
import type { Page, UiOptions, View } from "../view.ts";

export async function systemPage(options: UiOptions, view: View): Promise<Page> {
  const { operator, timeZone } = options;
  const [now, queues] = await Promise.all([nowOf(operator, timeZone), operator.queues()]);
  const { system: texts, stages } = view.words;
  const main = (
    <>
      <h1>{texts.title}</h1>
      <section aria-labelledby="stages">
        <h2 id="stages">{view.words.now.stages}</h2>
        <StageTable stages={now.stages} view={view} hasActions />
      </section>
      <section aria-labelledby="doctor">
        <h2 id="doctor">{texts.doctor}</h2>
        <Findings options={options} view={view} />
      </section>
      <section aria-labelledby="audit">
        <h2 id="audit">{texts.audit}</h2>
        <Audit options={options} view={view} />
      </section>
      <section aria-labelledby="queues">
        <h2 id="queues">{texts.queues}</h2>
        {queues === null ? (
          <p>{texts.unknownQueues}</p>
        ) : (
          <Table
            caption={texts.queues}
            heads={[texts.queue, texts.waiting, texts.consumers]}
            numbers={[texts.waiting, texts.consumers]}
          >
            {queues
              .filter(
                ({ queue, ready, consumers }) => ready > 0 || consumers > 0 || !/\.(retry\.\w+|dead)$/.test(queue),
              )
              .map(({ queue, ready, consumers }) => (
                <tr>
                  <Cell head={texts.queue}>
                    <code>{queue}</code>
                  </Cell>
                  <Cell head={stages.waiting} number>
                    {ready}
                  </Cell>
                  <Cell head={texts.consumers} number>
                    {consumers}
                  </Cell>
                </tr>
              ))}
          </Table>
        )}
      </section>
      <section aria-labelledby="settings">
        <h2 id="settings">{texts.settings}</h2>
        <Settings options={options} view={view} />
      </section>
    </>
  );
  return { title: texts.title, main, isLive: true };
}

const stageTones: Record<StageView["state"], Tone> = {
  starting: "idle",
  working: "good",
  paused: "note",
  stalled: "bad",
};

export function StageTable({
  stages,
  view,
  hasActions,
}: {
  stages: readonly StageView[];
  view: View;
  hasActions?: boolean;
}) {
  const { stages: texts, now } = view.words;
  const heads = [texts.stage, texts.state, texts.waiting, texts.inFlight, ...(hasActions ? [texts.action] : [])];
  return (
    <Table caption={now.stages} heads={heads} numbers={[texts.waiting, texts.inFlight]}>
      {stages.map(({ name, state, since, pause, waiting, inFlight }) => (
        <tr>
          <Cell head={texts.stage}>{name}</Cell>
          <Cell head={texts.state}>
            <State
              tone={
                pause?.reason === "outage" || pause?.reason === "operator" ? "note" : pause ? "bad" : stageTones[state]
              }
            >
              {texts.states[state]}
            </State>
            {pause && ` ${texts.since(view.times.since(since))}: ${texts.reasons[pause.reason]}`}
          </Cell>
          <Cell head={texts.waiting} number>
            {waiting ?? texts.unknown}
          </Cell>
          <Cell head={texts.inFlight} number>
            {inFlight}
          </Cell>
          {hasActions && (
            <Cell head={texts.action}>
              <StageAction name={name} isPaused={pause?.reason === "operator"} view={view} />
            </Cell>
          )}
        </tr>
      ))}
    </Table>
  );
}

const StageAction = ({ name, isPaused, view }: { name: string; isPaused: boolean; view: View }) => (
  <ActionLink action={isPaused ? "resume" : "pause"} fields={{ stage: name }} view={view}>
    {view.words.actions.names[isPaused ? "resume" : "pause"]} {name}
  </ActionLink>
);

const findingTones = { ok: "good", failed: "bad", unchecked: "idle", skipped: "idle", waiting: "note" } as const;

function Findings({ options, view }: { options: UiOptions; view: View }) {
  const { system: texts } = view.words;
  const { at, isRunning, found } = options.examination;
  return (
    <>
      {isRunning && <p>{texts.examining}</p>}
      {at === undefined && <p>{texts.never}</p>}
      {at && (
        <p>
          {texts.examined} <When at={at} view={view} />
        </p>
      )}
      {found.map(({ system, at: where, findings }) => (
        <>
          <h3>
            {system} <span class="detail">{where}</span>
          </h3>
          <ul class="findings">
            {findings.map(({ probe, state, text, fix }) => (
              <li>
                <State tone={findingTones[state]}>{texts.verdicts[state]}</State> {probe}: {text}
                {fix && <p>→ {fix}</p>}
              </li>
            ))}
          </ul>
        </>
      ))}
      {!isRunning && (
        <p>
          <ActionLink action="examine" view={view}>
            {texts.examine}
          </ActionLink>
        </p>
      )}
    </>
  );
}

function Audit({ options: { operator }, view }: { options: UiOptions; view: View }) {
  const { system: texts } = view.words;
  const { rows } = operator.options.ledger;
  const entries = auditOf(rows, "deeds");
  const looks = auditOf(rows, "looks");
  return (
    <>
      {entries.length === 0 ? <p>{texts.noAudit}</p> : <Deeds entries={entries} view={view} />}
      {looks.length > 0 && (
        <details>
          <summary>{texts.looks}</summary>
          <Table caption={texts.looks} heads={[texts.when, texts.who, texts.what]}>
            {looks.map(({ at, who, what }) => (
              <tr>
                <Cell head={texts.when}>
                  <When at={at} view={view} />
                </Cell>
                <Cell head={texts.who}>{who}</Cell>
                <Cell head={texts.what}>{what}</Cell>
              </tr>
            ))}
          </Table>
        </details>
      )}
    </>
  );
}

function Deeds({ entries, view }: { entries: readonly AuditEntry[]; view: View }) {
  const { system: texts, actions } = view.words;
  return (
    <Table caption={texts.audit} heads={[texts.when, texts.who, texts.action, texts.what, texts.result]}>
      {entries.map(({ at, who, action, what, result }) => (
        <tr>
          <Cell head={texts.when}>
            <When at={at} view={view} />
          </Cell>
          <Cell head={texts.who}>{who}</Cell>
          <Cell head={texts.action}>{actions.names[action] ?? action}</Cell>
          <Cell head={texts.what}>{what}</Cell>
          <Cell head={texts.result}>{result}</Cell>
        </tr>
      ))}
    </Table>
  );
}

function Settings({ options: { settings }, view }: { options: UiOptions; view: View }) {
  const { system: texts } = view.words;
  const { file, sources } = settings;
  const names = Object.entries(sources);
  const set = names.filter(([, source]) => source !== "default");
  const defaults = names.filter(([, source]) => source === "default");
  return (
    <>
      <p>
        <code>{file ?? texts.noFile}</code>
      </p>
      <p class="detail">{texts.settingsNote}</p>
      <Table caption={texts.settings} heads={[texts.key, texts.from]}>
        {set.map(([name, source]) => (
          <tr>
            <Cell head={texts.key}>
              <code>{name}</code>
            </Cell>
            <Cell head={texts.from}>{placeOf(name, source, file)}</Cell>
          </tr>
        ))}
      </Table>
      <details>
        <summary>{texts.defaults(defaults.length)}</summary>
        <p>
          <code>{defaults.map(([name]) => name).join(", ")}</code>
        </p>
      </details>
    </>
  );
}
