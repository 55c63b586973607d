import { labelOf } from "../../operator/who/verdict.ts";
import { lookedAt } from "../looks.ts";
import type { UiOptions } from "../view.ts";
import { type Action, audit, type Fields } from "./action.ts";

const pathOf = (run: string) => `/ui/runs/${encodeURIComponent(run)}`;

export const cancel: Action = {
  fields: ["run"],
  required: 1,
  async confirm({ operator }, { words }, { run = "" }) {
    const view = operator.run(run);
    if (view === undefined) return undefined;
    const { cancel: texts } = words.actions;
    const isOver = view.status === "done" || view.status === "cancelled";
    return {
      title: texts.title(run),
      texts: [texts.text(view.open)],
      button: words.runs.cancel,
      isDangerous: true,
      back: pathOf(run),
      ...(isOver && { refusal: texts.over }),
    };
  },
  async run(options, view, { run = "" }) {
    const cancelled = options.operator.cancel(run);
    if (cancelled === undefined) return undefined;
    const { cancel: texts } = view.words.actions;
    const text = cancelled.isCancelled ? texts.done(run) : texts.over;
    audit(options, view, { action: "cancel", what: run, result: text });
    return { text, to: pathOf(run) };
  },
};

const kibsOf = ({ kib = "" }: Fields) => kib.split(",").flatMap((one) => one.trim() || []);

export const start: Action = {
  fields: ["from", "to", "kib"],
  required: 2,
  async confirm(_, { words, times }, fields) {
    const { start: texts } = words.actions;
    const { from = "", to = "" } = fields;
    const kibs = kibsOf(fields);
    return {
      title: texts.title,
      texts: [texts.text(times.date(from), times.date(to)), ...(kibs.length > 0 ? [texts.kib(kibs.join(", "))] : [])],
      button: words.runs.start,
      back: "/ui/runs/new",
    };
  },
  async run(options, view, fields) {
    const { from = "", to = "" } = fields;
    const kib = kibsOf(fields);
    const {
      outcome,
      run,
      text: said = "",
    } = await options.startRun({ from, to, ...(kib.length > 0 && { kib }) }, view.session.name);
    const { start: texts, failed } = view.words.actions;
    const isStarted = outcome === "accepted" || outcome === "running";
    const text = isStarted && run ? (outcome === "accepted" ? texts.accepted(run) : texts.covered(run)) : failed(said);
    const what = [from, to, ...kib].join(" ");
    audit(options, view, { action: "start", what, result: text });
    return { text, to: run ? pathOf(run) : "/ui/runs" };
  },
};

/** An ordinary run of one person. */
export const sync: Action = {
  fields: ["person"],
  required: 1,
  async confirm(options, { words, times }, { person = "" }) {
    const record = await recordOf(options, person);
    if (record === undefined) return undefined;
    const { sync: texts } = words.actions;
    const back = `/ui/people/${person}`;
    return {
      title: texts.title(labelOf(record)),
      texts: [texts.text(times.date(record.date))],
      button: words.people.sync,
      back,
    };
  },
  async run(options, view, { person = "" }) {
    const record = await recordOf(options, person);
    if (record === undefined) return undefined;
    const { date, kib } = record;
    const {
      outcome,
      run,
      text: said = "",
    } = await options.startRun({ from: date, to: date, kib: [kib] }, view.session.name);
    const { start: texts, failed } = view.words.actions;
    const text = outcome === "accepted" && run ? texts.accepted(run) : failed(said);
    audit(options, view, { action: "sync", what: `KIB ${kib}`, result: text });
    return { text, to: `/ui/people/${person}` };
  },
};

async function recordOf(options: UiOptions, handle: string) {
  const views = await lookedAt(handle, options, true);
  const { record } = views?.[0]?.human ?? {};
  return record?.kib === undefined ? undefined : { name: record.name, date: record.date, kib: record.kib };
}
