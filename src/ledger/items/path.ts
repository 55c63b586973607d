/** A stage that a message simply passed, or where it ended on purpose. */
export interface Pass {
  /** Of the table `words`. */
  stage: number;
  /** Since the first thing that happened to the message. */
  afterMs: number;
  /** Why it ended there, of the table `words`. */
  why: number | undefined;
}

/** A few bytes for each stage: `1.0 2.350 3.1200` is three stages that were passed, `2.350.7` one where it ended. */
export const addPass = (path: string, { stage, afterMs, why }: Pass): string =>
  `${path} ${[stage, afterMs, ...(why === undefined ? [] : [why])].join(".")}`.trim();

export const passesOf = (path: string): Pass[] =>
  path.split(" ").flatMap((pass) => {
    const [stage, afterMs, why] = pass.split(".").map(Number);
    return stage === undefined || afterMs === undefined ? [] : [{ stage, afterMs, why }];
  });
