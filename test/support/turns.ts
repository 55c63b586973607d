/** How often everything else had its turn meanwhile. */
export async function turnsDuring<T>(work: () => Promise<T>): Promise<{ result: T; turns: number; ms: number }> {
  const startedAt = performance.now();
  const state = { turns: 0, isOver: false };
  const turn = () => {
    state.turns += 1;
    if (!state.isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const result = await work();
  state.isOver = true;
  return { result, turns: state.turns, ms: performance.now() - startedAt };
}
