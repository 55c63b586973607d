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
    unreachable: (queue: string) => `the queue ${queue} cannot be reached: bring its node back`,
    unconsumed: (queue: string, count: number) =>
      `${queue} holds ${counted(count, "message", "messages")} and has no consumer`,
  },
  since: (time: string) => ` since ${time}`,
};

export type Words = typeof english;
