import type { Found, Subject } from "../operator/who/search.ts";

/** A viewer sees everything but photos, and changes nothing. */
export type Role = "operator" | "viewer";

export interface Session {
  readonly role: Role;
  /** For the audit, as given at the login. */
  readonly name: string;
  readonly until: number;
  /** Of the forms that were shown and not sent yet. */
  readonly forms: Set<string>;
  /** The result of the last action, shown once. */
  result: string | undefined;
  /** The last search: what was searched for is in no address. */
  found: Found | undefined;
}

const hoursMs = 12 * 3_600_000;
const linkMs = 60_000;
const [maxSessions, maxForms, maxPeople] = [1_000, 200, 1_000];

const random = (bytes: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("base64url");

/** Within bounded memory: the oldest one makes room. */
function keep<Value>(all: Map<string, Value>, key: string, value: Value, max: number): void {
  all.set(key, value);
  const [oldest] = all.keys();
  if (all.size > max && oldest !== undefined) all.delete(oldest);
}

/** Who is logged in on the page. In memory: a restart ends all sessions, a reload of the configuration none. */
export class Sessions {
  readonly #open = new Map<string, Session>();
  readonly #links = new Map<string, { until: number; name: string }>();
  readonly #people = new Map<string, Subject>();

  constructor(readonly now: () => number = Date.now) {}

  /** The secret for the cookie. */
  open(role: Role, name: string): string {
    const id = random(32);
    const session = {
      role,
      name,
      until: this.now() + hoursMs,
      forms: new Set<string>(),
      result: undefined,
      found: undefined,
    };
    keep(this.#open, id, session, maxSessions);
    return id;
  }

  find(id: string | undefined): Session | undefined {
    const session = id === undefined ? undefined : this.#open.get(id);
    return session && session.until > this.now() ? session : undefined;
  }

  close(id: string | undefined): void {
    if (id !== undefined) this.#open.delete(id);
  }

  /** The key of a link that logs an operator in, once, within a minute. */
  makeLink(name: string): string {
    const key = random(32);
    keep(this.#links, key, { until: this.now() + linkMs, name }, maxSessions);
    return key;
  }

  /** Whose link it is; undefined where it was used or is too old. */
  useLink(key: string): string | undefined {
    const link = this.#links.get(key);
    this.#links.delete(key);
    return link && link.until > this.now() ? link.name : undefined;
  }

  /** An address for somebody whose number must not be in one. */
  handleOf(subject: Subject): string {
    const known = [...this.#people].find(([, one]) => Bun.deepEquals(one, subject))?.[0];
    const handle = known ?? random(12);
    this.#people.delete(handle);
    keep(this.#people, handle, subject, maxPeople);
    return handle;
  }

  subjectOf(handle: string): Subject | undefined {
    return this.#people.get(handle);
  }
}

/** A form of this session; it can be sent once. */
export function newForm({ forms }: Session): string {
  const key = random(12);
  forms.add(key);
  const [oldest] = forms;
  if (forms.size > maxForms && oldest !== undefined) forms.delete(oldest);
  return key;
}
