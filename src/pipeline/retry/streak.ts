import { isOfMany } from "../../errors/codes.ts";
import type { Failed, Pause } from "../consume-session.ts";

const streakToPause = 20;

/**
 * Failures of different messages in a row with one code. Only those that say something about an upstream or the set-up
 * count: bad records pause nothing, however many there are.
 */
export class Streak {
  #code = "";
  readonly #messages = new Set<string>();

  passed(): void {
    this.#messages.clear();
  }

  /** The pause, once there are too many. */
  charge({ id, code, text }: Failed): Pause | undefined {
    if (!isOfMany(code)) return undefined;
    if (this.#code !== code) this.#messages.clear();
    this.#code = code;
    this.#messages.add(id);
    const { size } = this.#messages;
    if (size < streakToPause) return undefined;
    const why = `${size} different messages in a row failed with ${code}, the last: ${text}`;
    return { reason: "streak", upstream: undefined, code, text: why };
  }
}
