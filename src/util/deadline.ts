/** A time limit whose clock stops while it is held: waiting for others does not count. */
export class Deadline implements Disposable {
  #leftMs: number;
  #startedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #holds = 0;
  #isOver = false;

  /** The clock runs from now on. */
  constructor(
    limitMs: number,
    readonly onExpire: () => void,
  ) {
    this.#leftMs = limitMs;
    this.#run();
  }

  /** The clock stops until the last hold is disposed of. */
  hold(): Disposable {
    if (++this.#holds === 1) this.#stop();
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld && --this.#holds === 0) this.#run();
        isHeld = false;
      },
    };
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#stop();
  }

  #run(): void {
    if (this.#isOver) return;
    this.#startedAt = performance.now();
    this.#timer = setTimeout(this.onExpire, Math.max(0, this.#leftMs));
  }

  #stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= performance.now() - this.#startedAt;
  }
}
