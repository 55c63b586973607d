import type { CaseView } from "../../operator/cases.ts";
import { answerOf } from "../../operator/who/answer.ts";
import type { EposhRecord } from "../../operator/who/record.ts";
import { subjectOfCase } from "../../operator/who/search.ts";
import type { WhoView } from "../../operator/who/who.ts";
import { wordsIn } from "../../operator/words/words.ts";
import { labelOf, sidesOf } from "../../people/conflict.ts";
import { namesIn } from "../../people/names.ts";
import { answers, decideTexts } from "../actions/decide.ts";
import { ActionLink, Cell, Table, When } from "../parts.tsx";
import { bothSides, Photos } from "../photos.tsx";
import type { UiOptions, View } from "../view.ts";
import { Compared } from "./person.tsx";

/** On the page of all cases: both who may be one human being, and the question whose NIK it is. */
export function Conflict({ of, view }: { of: CaseView; view: View }) {
  return (
    <article>
      <Sides of={of} view={view} />
      <Answers of={of} view={view} />
      <p>
        <a href={`/ui/cases/${encodeURIComponent(of.id)}`}>{view.words.codes.details}</a>
      </p>
    </article>
  );
}

/** As the text of the case names them. */
function Sides({ of: { text, name, kib }, view }: { of: CaseView; view: View }) {
  const { people: texts, cases } = view.words;
  const sides = sidesOf(text);
  if (!sides) return <p>{text}</p>;
  const Side = ({ system, side }: { system: string; side: { name: string; kib?: string | undefined } }) => (
    <div>
      <p class="detail">{system}</p>
      <p>
        <strong>{side.name}</strong>
      </p>
      <p>{side.kib ? `KIB ${side.kib}` : cases.noKib}</p>
    </div>
  );
  const [here, there] = sides.theirs.isInEposh
    ? [`${texts.eposh} · ${cases.thisRecord}`, `${texts.eposh} · ${cases.otherRecord}`]
    : [texts.eposh, texts.hikcentral];
  return (
    <div class="sides">
      <Side system={here} side={{ name: name ?? sides.ours.name, kib: kib ?? sides.ours.kib }} />
      <Side system={there} side={sides.theirs} />
    </div>
  );
}

const Answers = ({ of, view }: { of: CaseView; view: View }) => (
  <p class="actions">
    {answers.map((answer) => (
      <ActionLink action="decide" fields={{ id: of.id, answer }} view={view}>
        {decideTexts(of, view).answers[answer].title}
      </ActionLink>
    ))}
  </p>
);

interface AskedAbout {
  about: CaseView;
  handle: string | undefined;
  views: readonly WhoView[];
  options: UiOptions;
  view: View;
}

/** On the page of one case: all that both systems hold of the two, and the question. */
export function Asked({ about, handle, views, options, view }: AskedAbout) {
  const { upstreams } = options.operator.options.running ?? {};
  const [look] = views;
  const rivals = rivalsIn(views, about);
  return (
    <>
      {handle === undefined || !look || !upstreams ? (
        <Sides of={about} view={view} />
      ) : rivals ? (
        <>
          <Rivals about={about} handle={handle} rivals={rivals} options={options} view={view} />
          {(look.human.person ?? look.human.other) && (
            <Compared answer={answerOf(look, upstreams, view.times)} look={look} view={view} />
          )}
        </>
      ) : (
        <>
          {sidesOf(about.text)?.theirs.isInEposh && <Sides of={about} view={view} />}
          <Compared answer={answerOf(look, upstreams, view.times)} look={look} view={view} />
          <Photos of={bothSides(handle, views)} options={options} view={view} />
        </>
      )}
      <section aria-labelledby="decide">
        <h2 id="decide">{decideTexts(about, view).question}</h2>
        <Answers of={about} view={view} />
      </section>
    </>
  );
}

type WithRecord = WhoView & { human: { record: EposhRecord } };
const hasRecord = (view: WhoView): view is WithRecord => view.human.record !== undefined;

/** Both records where the conflict is one of two records; undefined where Eposh does not give both of them now. */
function rivalsIn(views: readonly WhoView[], { text }: CaseView): [own: WithRecord, other: WithRecord] | undefined {
  if (!sidesOf(text)?.theirs.isInEposh) return undefined;
  const [own, ...others] = views;
  const isNamed = ({ human: { name, kib } }: WhoView) => text.includes(labelOf(namesIn(name), kib));
  const other = others.find((one) => hasRecord(one) && isNamed(one));
  return own && hasRecord(own) && other && hasRecord(other) ? [own, other] : undefined;
}

function Rivals({
  about,
  handle,
  rivals: [own, other],
  options,
  view,
}: Omit<AskedAbout, "views" | "handle"> & { handle: string; rivals: [WithRecord, WithRecord] }) {
  const { people: texts, cases } = view.words;
  const { operator, sessions } = options;
  const { upstreams } = operator.options.running ?? {};
  if (!upstreams) return null;
  const { fields: names } = wordsIn(view.times.language).who;
  const fieldsOf = (one: WhoView) => answerOf(one, upstreams, view.times).fields;
  const theirs = fieldsOf(other);
  const rows = fieldsOf(own).flatMap(({ field, eposh }, at) =>
    eposh === null && theirs[at]?.eposh === null ? [] : [[names[field], eposh, theirs[at]?.eposh]],
  );
  const birth = ({ human }: WithRecord) => cases.births[human.record.birth];
  const day = ({ human }: WithRecord) => view.times.date(human.record.date);
  rows.push([cases.birth, birth(own), birth(other)], [cases.inducted, day(own), day(other)]);
  const subject = subjectOfCase(operator.options.ledger, { name: about.name, kib: about.kib });
  const theirHandle = sessions.handleOf({ ...subject, name: other.human.name, kib: other.human.kib });
  const heads = [texts.field, cases.thisRecord, cases.otherRecord] as const;
  return (
    <>
      <section aria-labelledby="rivals">
        <h2 id="rivals">{cases.rivals}</h2>
        <Table caption={cases.rivals} heads={heads}>
          {rows.map((row) => (
            <tr>
              {heads.map((head, at) => (
                <Cell head={head}>{row[at] ?? "–"}</Cell>
              ))}
            </tr>
          ))}
        </Table>
        <p class="detail">
          {texts.readAt} <When at={own.at} view={view} />
        </p>
      </section>
      <Photos
        of={[
          { side: "eposh", handle, views: [own] },
          { side: "eposh", handle: theirHandle, views: [other] },
        ]}
        options={options}
        view={view}
      />
    </>
  );
}
