import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nikOf } from "../../src/simulator/people.ts";
import type { SimulatedPerson } from "../../src/simulator/person-store.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { budi, type InProcessSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { type Human, type Picture, strangers, zonesOf } from "./humans.ts";
import type { EposhRecord, Known } from "./state.ts";

/** The induction dates; a record names one by its place. */
export const dates = ["2026-01-01", "2026-01-02", "2026-01-03"] as const;
const blockedWord = "BLOCKED";
const pastEnd = "2025-12-31T00:00:00+07:00";
const handMade = Buffer.from("a picture that a guard took");

/** Two strangers and their records, on a site that other histories use after it; and what must hold whatever happens. */
export class History {
  /** With what became of it as it is now; undefined before its first run. */
  readonly records = new Map<EposhRecord, "done" | "dead" | undefined>();
  readonly #known = new Map<string, Known>();
  readonly #humanOfKib = new Map<string, Human>();
  /** A record that stands on an earlier date of the same NIK becomes the latest, once the later date was fetched. */
  #hasLeft = false;
  /** Then what was granted may have lost its note. */
  #wasKilled = false;

  constructor(
    readonly site: InProcessSite,
    readonly pictures: readonly Picture[],
    readonly number: number,
  ) {}

  #nik(human: Human): string {
    return nikOf(2 * this.number + human, "1990-01-31");
  }
  #spellings(human: Human): readonly string[] {
    return strangers[this.number % strangers.length]?.[human] ?? [];
  }
  #newKib(human: Human): string {
    const kib = String(2_600_000 + 100 * this.number + this.#humanOfKib.size);
    this.#humanOfKib.set(kib, human);
    return kib;
  }
  get persons(): SimulatedPerson[] {
    const codes = [this.#nik(0), this.#nik(1)];
    return [...this.site.hikcentral.persons.values()].filter(({ personCode }) => codes.includes(personCode));
  }
  #groupsOf({ personId }: SimulatedPerson): string[] {
    return [...this.site.hikcentral.groups].flatMap(([id, { members }]) => (members.has(personId) ? [id] : []));
  }

  add(record: Omit<EposhRecord, "kib">): void {
    if (this.records.size < 4) this.records.set({ ...record, kib: this.#newKib(record.human) }, undefined);
  }
  /** With another NIK or name it is another record, which has a KIB number of its own, so that they can be told apart. */
  correct(at: number, changes: Partial<Omit<EposhRecord, "human" | "kib">>): void {
    const old = [...this.records.keys()][at];
    const changed = old && { ...old, ...changes };
    if (!changed || JSON.stringify(changed) === JSON.stringify(old)) return;
    const isOther = changed.nikOf !== old.nikOf || changed.spelling !== old.spelling;
    if (isOther) changed.kib = this.#newKib(old.human);
    this.#hasLeft ||= isOther || changed.date !== old.date;
    this.records.delete(old);
    this.records.set(changed, undefined);
  }
  remove(at: number): void {
    const old = [...this.records.keys()][at];
    if (old === undefined) return;
    this.records.delete(old);
    this.#hasLeft = true;
  }

  #asEmployee({ human, nikOf: whose, spelling, picture, zones, kib }: EposhRecord): Record<string, unknown> {
    const { path = "" } = this.pictures.filter((one) => one.human === human)[picture] ?? {};
    return budi(this.site, {
      name: this.#spellings(human)[spelling],
      identity_number: this.#nik(whose),
      kib_number: kib,
      photo: { link: `${this.site.eposh.origin}${path}?${this.number}` },
      regionals: zones.map((zone) => zonesOf[human]?.[zone]).map((zone) => ({ slug: zone?.slug })),
    });
  }
  #fillEposh(): void {
    const { days } = this.site.eposh;
    days.clear();
    for (const [at, date] of dates.entries())
      days.set(
        date,
        [...this.records.keys()].filter((one) => one.date === at).map((one) => this.#asEmployee(one)),
      );
  }

  /**
   * Triggers the dates from one to another. After as many entries as `stopAfter` or `killAfter` says, the daemon is
   * stopped or killed, and started again.
   */
  async trigger(from: number, to: number, options: { refresh?: boolean; stopAfter?: number; killAfter?: number } = {}) {
    const { refresh = false, killAfter, stopAfter = killAfter } = options;
    const { site } = this;
    this.#fillEposh();
    const before = site.entries.length;
    const groups = new Map(this.persons.map((one) => [one.personId, this.#groupsOf(one)]));
    const wanted = [...this.records.keys()].filter((one) => one.date >= from && one.date <= to);
    // An empty date says nothing, and costs as much as another.
    const skip = dates.filter((_, at) => !wanted.some((one) => one.date === at));
    if (wanted.length === 0) return;
    const asked = { from: dates[from] ?? "", to: dates[to] ?? "", skip, ...(refresh && { refresh_faces: true }) };
    const { id } = await site.begin(asked);
    const isDone = () => {
      const tasks = site.entries.slice(before).filter((one) => one.run === id && one.kind === "task");
      const fetched = new Set(tasks.map(({ item }) => item));
      return fetched.size === dates.length - skip.length && wanted.every((record) => this.#fateOf(record, before));
    };
    if (stopAfter !== undefined) {
      const patience = { everyMs: 1, what: "the run to be under way" };
      await until(() => site.entries.length >= before + stopAfter || isDone(), patience);
      await (killAfter === undefined ? this.#restart() : this.#kill());
    }
    await until(isDone, { everyMs: 3, what: "the run to be through" });
    // What the killed daemon had in hand comes again, also where it was done with.
    if (killAfter !== undefined) await until(async () => (await site.left()) === 0, { what: "nothing to be left" });
    for (const record of wanted) this.#settle(record, this.#fateOf(record, before), groups);
  }

  async #restart(): Promise<void> {
    await this.site.stop();
    await this.site.start();
  }

  /** The next daemon finds the files as they are now, and nothing that this one does from now on is seen by anybody. */
  async #kill(): Promise<void> {
    const { site } = this;
    const kept = temporaryFolder();
    // n.b. Of SQLite the database and its log are the state; the index in shared memory is made anew.
    const isState = (path: string) => !/(-shm|\.sock)$/.test(path);
    cpSync(site.folder, kept, { recursive: true, filter: isState });
    const known = site.entries.length;
    const servers = [site.eposh, site.hikcentral];
    for (const { faults } of servers) faults.set({ kind: "reset" });
    await site.stop();
    for (const { faults } of servers) faults.set();
    for (const name of readdirSync(site.folder)) rmSync(join(site.folder, name), { recursive: true });
    cpSync(kept, site.folder, { recursive: true });
    rmSync(kept, { recursive: true });
    site.entries.length = known;
    this.#wasKilled = true;
    await site.start();
  }

  /** Sends back what is dead of this history. */
  async replay(): Promise<void> {
    const before = this.site.entries.length;
    const groups = new Map(this.persons.map((one) => [one.personId, this.#groupsOf(one)]));
    const records = [...this.records].filter(([, fate]) => fate === "dead").map(([record]) => record);
    const ids = records.flatMap((record) => this.#lettersOf(record).map(({ id }) => id));
    if (ids.length === 0) return;
    const { status, body } = await this.site.post("/dead/replay", { ids, stale: true });
    if (status !== 200) throw new Error(`a replay was answered ${status}: ${JSON.stringify(body)}`);
    for (const record of records)
      this.#settle(record, await until(() => this.#fateOf(record, before), { everyMs: 3, what: "the replay" }), groups);
  }

  #fateOf({ kib }: EposhRecord, since: number): "done" | "dead" | undefined {
    const own = this.site.entries.slice(since).filter((one) => one.kib === kib && one.kind === "person");
    const last = own.findLast(({ stage, outcome }) => {
      return (outcome === "dead" && stage !== "face") || (outcome === "done" && stage === "assign-privilege");
    });
    return last?.outcome as "done" | "dead" | undefined;
  }

  #lettersOf({ kib }: Pick<EposhRecord, "kib">): { id: string }[] {
    return this.site.daemon.ledger.rows<{ id: string }>("select id from dead_letters where kib = ?", kib);
  }

  /** Notes what became of the record, and what a human's removal is from now on up against. */
  #settle(record: EposhRecord, fate: "done" | "dead" | undefined, groupsBefore: ReadonlyMap<string, string[]>): void {
    if (fate === undefined) throw new Error(`nobody knows what became of ${JSON.stringify(record)}`);
    this.records.set(record, fate);
    const { human, date, zones } = record;
    const person = this.persons.find(({ personCode }) => personCode === this.#nik(record.nikOf));
    const known = person && this.#meet(person);
    if (fate === "dead" || !person || known?.human !== human) return;
    if (date > known.inducted) known.isEnded = false;
    known.inducted = Math.max(known.inducted, date);
    const now = this.#groupsOf(person);
    for (const zone of zones) {
      const group = zonesOf[human]?.[zone]?.group ?? "";
      if (date > (known.taken.get(group) ?? Number.POSITIVE_INFINITY)) known.taken.delete(group);
      const isOurs = known.granted.has(group) || !groupsBefore.get(person.personId)?.includes(group);
      if (now.includes(group) && isOurs && (!this.#wasKilled || this.#isNoted(person, group)))
        known.granted.set(group, Math.max(date, known.granted.get(group) ?? 0));
    }
  }

  #isNoted({ personId }: SimulatedPerson, group: string): boolean {
    const find = "select 1 from grants where person_id = ? and privilege_group = ?";
    return this.site.daemon.ledger.rows(find, personId, group).length > 0;
  }

  /** Whose the person is, is decided when the person is first seen. */
  #meet(person: SimulatedPerson): Known {
    const known = this.#known.get(person.personId);
    if (known) return known;
    const human = this.#humanNamed(person);
    const nothing = { granted: new Map(), taken: new Map(), inducted: -1, isEnded: false, blocked: undefined };
    const met: Known = { human, phone: person.phoneNo, ownGroups: new Set(), ...nothing };
    this.#known.set(person.personId, met);
    return met;
  }
  #humanNamed({ personGivenName, personFamilyName }: SimulatedPerson): Human {
    const name = personFamilyName === "-" ? personGivenName : `${personGivenName} ${personFamilyName}`;
    const human = ([0, 1] as const).find((one) => this.#spellings(one).includes(name));
    if (human === undefined) throw new Error(`a person is called ${name}, as nobody is`);
    return human;
  }

  /** What a human does in HikCentral. */
  human = {
    makes: (human: Human) => {
      if (this.persons.some(({ personCode }) => personCode === this.#nik(human))) return;
      const [given = "", ...family] = this.#spellings(human)[0]?.split(" ") ?? [];
      const names = { personGivenName: given, personFamilyName: family.join(" ") || "-" };
      this.#meet(this.site.hikcentral.seed({ personCode: this.#nik(human), ...names }));
    },
    calls: (at: number) =>
      this.#edit(at, (person, known) => {
        known.phone = person.phoneNo = `08${this.number}${known.phone.length}`;
      }),
    takesOut: async (at: number, zone: number) => {
      let isNoted = false;
      this.#edit(at, ({ personId }, known) => {
        const group = zonesOf[known.human]?.[zone]?.group ?? "";
        this.site.hikcentral.groups.get(group)?.members.delete(personId);
        const granted = known.granted.get(group);
        if (granted !== undefined) known.taken.set(group, granted);
        known.ownGroups.delete(group);
        isNoted = granted !== undefined;
      });
      // The members of a group are read once a minute, and by a daemon that starts.
      if (isNoted) await this.#restart();
    },
    letsIn: (at: number, group: string) =>
      this.#edit(at, ({ personId }, known) => {
        this.site.hikcentral.groups.get(group)?.members.add(personId);
        known.ownGroups.add(group);
        known.taken.delete(group);
      }),
    ends: (at: number) =>
      this.#edit(at, (person, known) => {
        person.endTime = pastEnd;
        known.isEnded = true;
      }),
    blocks: (at: number) =>
      this.#edit(at, (person, known) => {
        if (!person.remark.includes(blockedWord)) person.remark = `${blockedWord} ${person.remark}`.slice(0, 128);
        known.blocked = "";
      }),
    unblocks: (at: number) =>
      this.#edit(at, (person, known) => {
        person.remark = person.remark.replace(`${blockedWord} `, "");
        known.blocked = undefined;
      }),
    photographs: (at: number) =>
      this.#edit(at, (person) => {
        person.picture = handMade;
      }),
    deletes: (at: number) => {
      const person = this.persons[at];
      if (!person) return;
      this.site.hikcentral.persons.delete(person.personId);
      for (const { members } of this.site.hikcentral.groups.values()) members.delete(person.personId);
      this.#known.delete(person.personId);
    },
  };
  #edit(at: number, change: (person: SimulatedPerson, known: Known) => void): void {
    const person = this.persons[at];
    if (!person) return;
    const known = this.#meet(person);
    change(person, known);
    if (known.blocked !== undefined) known.blocked = this.#allOf(person);
  }
  #allOf(person: SimulatedPerson): string {
    const { picture, ...rest } = person;
    return JSON.stringify([rest, this.#groupsOf(person), picture && Bun.hash(picture).toString()]);
  }

  /** Throws where something was done to a person, or to an open problem, that must never be. */
  check(): void {
    for (const person of this.persons) this.#checkPerson(person, this.#meet(person));
    for (const [record, fate] of this.records) if (fate === "dead") this.#openCaseOf(record);
  }

  #checkPerson(person: SimulatedPerson, known: Known): void {
    const must = (holds: boolean, what: string) => {
      if (!holds) throw new Error(`${what}: ${this.#allOf(person)}, known ${Bun.inspect(known)}`);
    };
    const { human } = known;
    must(this.#humanNamed(person) === human, "a stranger's name was written");
    const kib = person.customFields["1"] ?? "";
    must(kib === "" || this.#humanOfKib.get(kib) === human, "a stranger's KIB number was written");
    const { picture } = person;
    const faces = this.pictures.filter((one) => one.human === human).map(({ face }) => face);
    const isOwn = !picture || picture === handMade || faces.some((face) => face.equals(picture));
    must(isOwn, "a stranger's face was written");
    const groups = this.#groupsOf(person);
    const zones = new Set(zonesOf[human]?.map(({ group }) => group)).union(known.ownGroups);
    must(new Set(groups).isSubsetOf(zones), "a stranger's access was granted");
    must(person.phoneNo === known.phone, "what a human wrote was undone");
    for (const group of groups)
      must(!known.taken.has(group), `access ${group} that a human took away was granted again`);
    must(!known.isEnded || person.endTime === pastEnd, "a validity that a human ended was extended");
    must(known.blocked === undefined || known.blocked === this.#allOf(person), "a blocked person was changed");
  }

  /** Its id. It is closed only by its own success, or by that of a later record of the same human. */
  #openCaseOf(record: EposhRecord): string | undefined {
    const find =
      "select id, why from cases where kib = ? and kind = 'dead letter' order by closed is null desc, closed desc";
    const [found] = this.site.daemon.ledger.rows<{ id: string; why: string | null }>(find, record.kib);
    const { human, nikOf: whose, date } = record;
    const hasLater = [...this.records].some(
      ([one, fate]) => fate === "done" && one.human === human && one.nikOf === whose && one.date >= date,
    );
    if (found?.why === "later record passed" && hasLater) return undefined;
    if (found?.why !== null) throw new Error(`the case is not open (${found?.why}) of ${JSON.stringify(record)}`);
    if (this.#lettersOf(record).length === 0) throw new Error(`no dead letter is left of ${JSON.stringify(record)}`);
    return found.id;
  }

  /** What is dead can be shown as it came. */
  async #checkBodies(): Promise<void> {
    for (const [record, fate] of this.records) {
      const id = fate === "dead" ? this.#openCaseOf(record) : undefined;
      const shown = id === undefined ? undefined : (await this.site.get(`/dead/${id}`)).body;
      // The last stage's message names the person, and not the record.
      const wanted = shown?.stage === "assign-privilege" ? "personId" : record.kib;
      if (shown && !String(shown.body).includes(wanted))
        throw new Error(`the body is gone of ${JSON.stringify(record)}: ${JSON.stringify(shown)}`);
    }
  }

  /** A run with nothing new writes nothing. Afterwards nothing of this history is left. */
  async finish(): Promise<void> {
    const all = [0, dates.length - 1] as const;
    await this.trigger(...all);
    this.check();
    this.site.deeds();
    const fates = [...this.records.values()].join();
    await this.trigger(...all);
    let deeds = this.site.deeds();
    const mayHaveWaited = this.#hasLeft && Object.keys(deeds).length > 0;
    // A list of persons may be a moment old: whoever was deleted meanwhile is made by the next run.
    if (mayHaveWaited || [...this.records.values()].join() !== fates) {
      await this.trigger(...all);
      deeds = this.site.deeds();
    }
    if (Object.keys(deeds).length > 0) throw new Error(`a run with nothing new did ${JSON.stringify(deeds)}`);
    this.check();
    await this.#checkBodies();
    const ids = [...this.#humanOfKib.keys()].flatMap((kib) => this.#lettersOf({ kib }).map(({ id }) => id));
    if (ids.length > 0) await this.site.post("/dead/drop", { ids });
    while (this.persons.length > 0) this.human.deletes(0);
  }
}
