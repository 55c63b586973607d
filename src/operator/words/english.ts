const counted = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

/** The sentences that the page and the commands share. */
export const english = {
  and: "and",
  working: "Working",
  starting: "Starting: the stages do not take work yet",
  canEnter: (can: number, of: number) => `${can} of ${of} inducted today can enter`,
  nobodyToday: "nobody inducted today yet",
  needYou: (n: number) => (n === 0 ? "nothing needs you" : `${counted(n, "person needs", "people need")} you`),
  trouble: {
    broker: (label: string, since: string) =>
      `${label} cannot be reached${since}. No work moves; nothing is lost and the daemon tries again every few seconds`,
    blocked: (label: string, since: string) => `${label} accepts no messages${since}. Free memory or disk space there`,
    upstream: (name: string, since: string) =>
      `${name} does not answer${since}. Work waits, nothing is lost, and continues when ${name} answers again`,
    setup: (stage: string, since: string) => `${stage} is paused${since}: an upstream refuses our set-up`,
    streak: (stage: string, since: string) => `${stage} is paused${since}: many messages in a row failed alike`,
    operator: (stage: string, since: string) =>
      `${stage} is paused${since} by an operator. Resume it when the reason is gone`,
    stalled: (stage: string) => `${stage} is stalled: it has work and finishes none of it`,
    removed: (file: string) =>
      `${file} was removed or replaced while the daemon runs: put it back, or restart the daemon`,
    unreachable: (queue: string) => `the queue ${queue} cannot be reached: bring its node back`,
    unconsumed: (queue: string, count: number) =>
      `${queue} holds ${counted(count, "message", "messages")} and has no consumer`,
  },
  outcomes: {
    done: "done",
    ended: "ended on purpose",
    retry: "waiting for another attempt",
    dead: "dead letter",
    warning: "warning",
    replayed: "sent again",
    dropped: "dropped",
  },
  since: (time: string) => ` since ${time}`,
  who: {
    can: (who: string) => `${who} can enter: face and access are there`,
    cannot: (who: string, because: string, todo: string) => `${who} cannot enter: ${because} Do this: ${todo}`,
    unknown: (who: string, because: string, todo: string) =>
      `Whether ${who} can enter is not known: ${because} ${todo}`,
    values: { none: "none", photo: "a photo", face: "a face" },
    fields: { name: "Name", kib: "KIB", face: "Face", access: "Access", validity: "Valid until" },
    nobody: "Nobody was found. Names are searched in HikCentral and among the open cases; try the KIB or the NIK.",
    unsearched: "HikCentral does not answer, so only the open cases were searched. Try the KIB or the NIK.",
    more: (n: number) => `${n} more people have this name: give more of it, or the KIB.`,
    badKey: "Give a name, KIB or NIK of at most 100 characters.",
    reasons: {
      unreachable: { because: "HikCentral does not answer now.", todo: "Try again when it is back." },
      eposh_away: { because: "Eposh does not answer now.", todo: "Try again when it is back, or search by the NIK." },
      on_the_way: {
        because: "the person is on the way through the stages.",
        todo: "Wait a minute; if it lasts, see what the site waits for.",
      },
      not_inducted: {
        because: "Eposh lists no induction that is known here.",
        todo: "Check the induction in Eposh, then start a run for its date.",
      },
      missing: {
        because: "Eposh lists the induction, but HikCentral has no such person.",
        todo: "Start a run for the date.",
      },
      no_groups: {
        because: "the zones in Eposh give no access here.",
        todo: "Enter a zone in Eposh, or map its slug in [regionals], then start a run for the date.",
      },
      no_access: {
        because: "HikCentral shows no access group.",
        todo: "Start a run for the date; if somebody took the access away on purpose, leave it.",
      },
      no_face: { because: "HikCentral has no face.", todo: "Upload a photo in Eposh, then start a run for the date." },
      ended: (until: string) => ({
        because: `the validity in HikCentral ended on ${until}.`,
        todo: "A new induction extends it; otherwise extend it in HikCentral.",
      }),
      hands_off: (word: string) => ({
        because: `the remark in HikCentral says ${word}.`,
        todo: "Ask the security officer; the program changes nothing.",
      }),
      conflict: (other: string) => ({
        because: `the NIK belongs to ${other} in HikCentral.`,
        todo: "Whose NIK is right? Correct the wrong one in Eposh, then start a run for the date.",
      }),
      own: (code: string) => ({ because: `a stage of this site failed with ${code}.`, todo: "Look at the case." }),
    },
  },
};

export type Words = typeof english;
