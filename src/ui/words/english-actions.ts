import { counted } from "./english-counted.ts";

/** Of the confirm pages and of what becomes of an action. */
export const englishActions = {
  confirm: "Confirm",
  back: "Back",
  gone: "This form was already sent, or it is too old. Nothing was done. Go back and open it again.",
  bad: "This form is not as the page made it. Nothing was done.",
  viewer: "You are logged in as a viewer. Only operators may do this.",
  viewerNote: "Only operators may do this",
  unknown: "This is not there any more. Nothing was done.",
  failed: (text: string) => `Nothing more was done: ${text}`,
  slow: "the message queue does not answer now, try again in a moment",
  running: "It takes longer. It continues, and its result is noted under System.",
  typed: (number: string) => `Type ${number} to confirm`,
  typedWrong: "The number is not the one asked for. Nothing was done.",
  names: {
    pause: "pause",
    resume: "resume",
    cancel: "cancel",
    start: "start a run",
    replay: "send again",
    drop: "drop",
    examine: "examine",
    login: "log in",
    sync: "sync",
    decide: "decide",
  } as Record<string, string>,
  decide: {
    inHikCentral: {
      question: "Are they one human being?",
      answers: {
        same: {
          title: "The same person",
          text: "The message goes back to its stage and overwrites the person in HikCentral with this record.",
        },
        "record-wrong": {
          title: "Not the same: the record in Eposh is wrong",
          text: "The case is closed until the record changes. Correct it in Eposh.",
        },
        "person-wrong": {
          title: "Not the same: the person in HikCentral is wrong",
          text: "The case stays open, and each run tries it again. Correct the person in HikCentral.",
        },
      },
      kept: "The answer is kept for exactly this record and this name in HikCentral.",
    },
    inEposh: {
      question: "Whose NIK is it?",
      answers: {
        same: {
          title: "The NIK is this record's",
          text: "The message goes back to its stage, and the person is made from this record.",
        },
        "record-wrong": {
          title: "This record is wrong",
          text: "The case is closed until this record changes. Correct it in Eposh.",
        },
        "person-wrong": {
          title: "The other record is wrong",
          text: "The case stays open, and each run tries it again. Correct the other record in Eposh.",
        },
      },
      kept: "The answer is kept for exactly these two records.",
    },
    done: (answer: string) => `Decided: ${answer}.`,
  },
  pause: {
    title: (stage: string) => `Pause ${stage}?`,
    text: "The stage takes no more work until an operator resumes it, also after a restart. Nothing is lost; its queue grows.",
    done: (stage: string) => `${stage} is paused.`,
  },
  resume: {
    title: (stage: string) => `Resume ${stage}?`,
    text: "The stage takes work again.",
    done: (stage: string) => `${stage} takes work again.`,
  },
  cancel: {
    title: (run: string) => `Cancel run ${run}?`,
    text: (open: number) =>
      `${counted(open, "employee")} on the way end at their next stage. What is done stays done. This cannot be undone; trigger the dates again instead.`,
    done: (run: string) => `Run ${run} is cancelled.`,
    over: "This run is done: nothing of it is left to cancel.",
  },
  start: {
    title: "Start a run?",
    text: (from: string, to: string) =>
      `Fetches everybody inducted from ${from} to ${to} from Eposh. Employees with nothing new change nothing.`,
    kib: (kib: string) => `Only KIB ${kib}.`,
    accepted: (run: string) => `Run ${run} has started.`,
    covered: (run: string) => `Run ${run} fetches these dates already.`,
  },
  rate: {
    label: "How fast",
    options: (rate: string) => (rate === "" ? "all at once" : `${rate} a second`),
  },
  replay: {
    title: (n: number) => `Send ${counted(n, "message")} again?`,
    text: "Each goes back to the stage that failed with it, and is tried anew. What fails again comes back here.",
    button: "Send again",
    kept: (n: number, why: string) => `${n} kept: ${why}.`,
    done: (n: number) => `${counted(n, "message")} sent again.`,
    none: "Nothing of it can be sent again now.",
  },
  drop: {
    title: (n: number) => `Drop ${counted(n, "case")} permanently?`,
    text: "The messages of employees who are held up are deleted: they do not bring them to HikCentral any more. A case comes back if a run meets its problem again. This cannot be undone; trigger the dates again instead.",
    button: "Drop permanently",
    kept: (n: number, why: string) => `${n} kept: ${why}.`,
    done: (n: number) => `${counted(n, "case")} dropped.`,
    none: "There is nothing to drop.",
  },
  sync: {
    title: (who: string) => `Sync ${who} now?`,
    text: (date: string) =>
      `Starts an ordinary run for this person and ${date}: the record is fetched from Eposh again and brought to HikCentral.`,
  },
  examine: {
    title: "Examine the systems?",
    text: "Asks Eposh, HikCentral, the photo host and the message queue a few questions. Changes nothing.",
    done: "The examination runs.",
  },
};
