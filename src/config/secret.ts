import * as v from "valibot";

/** A secret always prints as `[secret]`: as string, JSON, on the console or inspected. Only `reveal` gives the value. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}

/** The schema of a secret option: takes a string, gives a `Secret`. */
export const secret = () =>
  v.pipe(
    v.string(),
    v.nonEmpty(),
    v.transform((value) => new Secret(value)),
  );
