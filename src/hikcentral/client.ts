import { codeOf, reject } from "../errors.ts";
import type { ShownPerson } from "../people/types.ts";
import { untilAborted } from "../util/abort.ts";
import { type Caller, sharedBy, together } from "../util/caller.ts";
import { type Calls, createCalls, maxApplyIds, maxGroupIds, pageSize } from "./api.ts";
import {
  assertSetUp,
  checkSetup,
  createOptionalReads,
  problemsOf,
  type Setup,
  type SetupOptions,
} from "./setup-check.ts";
import { createBatcher } from "./sharing/batcher.ts";
import { createFaceChecks } from "./sharing/face-checks.ts";
import { GroupMembers } from "./sharing/group-members.ts";
import { createKibHolders } from "./sharing/kib-holders.ts";
import { PersonDirectory } from "./sharing/person-directory.ts";
import { RecentPersons } from "./sharing/recent-persons.ts";
import { createTransport, type TransportOptions } from "./transport.ts";
import type { HikCentral } from "./types.ts";

export interface HikCentralOptions extends TransportOptions, SetupOptions {
  /** For reads that all messages share: aborts when HikCentral is found to be down. */
  breakerSignal?: () => AbortSignal;
}

/** What `verify`, `doctor` and `who` read; lists come page by page, at most 500 at a time. */
export type HikCentralReads = Pick<
  Calls,
  | "version"
  | "picture"
  | "organisations"
  | "privilegeGroups"
  | "customFields"
  | "groupMembers"
  | "persons"
  | "personsByName"
>;

export interface HikCentralClient extends AsyncDisposable {
  /** Its calls end when `signal` aborts. */
  for(signal: AbortSignal, on?: Partial<Caller>): HikCentral;
  reads(signal: AbortSignal): HikCentralReads;
  /**
   * How many persons HikCentral has; undefined where the partner may not read it. At most a minute old, and asked for
   * again where it is below `atLeast`.
   */
  personCount(atLeast: number, caller: Caller): Promise<number | undefined>;
  /**
   * HikCentral's names of the configured ids, for the start block. If nobody asks, or stops waiting, the log shows
   * them once, before the first write.
   */
  names(signal: AbortSignal): Promise<Setup["names"]>;
  /** True when HikCentral answers, with anything. Never throws. */
  probe(signal: AbortSignal): Promise<boolean>;
}

const countMaxAgeMs = 60_000;
/** Where the set-up is wrong: somebody corrects it in HikCentral. */
const readAgainAfterMs = 5_000;

export function createHikCentral(options: HikCentralOptions): HikCentralClient {
  const { log, kibField, breakerSignal, now = Date.now } = options;
  const transport = createTransport(options);
  const closing = new AbortController();
  const callsOf = (caller: Caller) => createCalls(transport.send(caller));
  /** Whoever waits for what is read once for all: they hear of its progress. */
  const sharing = new Set<Caller>();
  const ownCalls = () => {
    const signal = AbortSignal.any([closing.signal, ...(breakerSignal ? [breakerSignal()] : [])]);
    return callsOf({ signal, progress: () => together(sharing, signal).progress?.() });
  };
  const shared = async <T>(caller: Caller, work: Promise<T>): Promise<T> => {
    sharing.add(caller);
    return sharedBy(caller, work).finally(() => sharing.delete(caller));
  };
  const optional = createOptionalReads(log);

  let setup: Promise<Setup> | undefined;
  let readAgainAt = Number.POSITIVE_INFINITY;
  let isShown = false;
  let shownProblems = "";
  /** Read before the first write; remembered once it is right, read again after a while as long as it is wrong. */
  const checked = () => {
    if (now() >= readAgainAt) setup = undefined;
    if (setup) return setup;
    readAgainAt = Number.POSITIVE_INFINITY;
    setup = checkSetup(ownCalls(), optional, options).then(
      (read) => {
        const problems = problemsOf(read).join("; ");
        if (problems !== "") readAgainAt = now() + readAgainAfterMs;
        if (problems !== "" && problems !== shownProblems)
          log.warn(`HikCentral is not set up as configured: ${problems}`);
        shownProblems = problems;
        return read;
      },
      (thrown) => {
        setup = undefined;
        throw thrown;
      },
    );
    return setup;
  };
  const setupOnceShown = async (caller: Caller): Promise<Setup> => {
    const read = await shared(caller, checked());
    if (!isShown) for (const [label, text] of read.names) log.info(`${label}: ${text}`);
    isShown = true;
    return read;
  };
  const assertGroup = ({ problems }: Setup, groupId: string) => {
    const problem = problems.groups.get(groupId);
    if (problem !== undefined) throw reject("privilege_group_missing", problem);
  };
  /** Code 128: the group was deleted meanwhile, or the person. */
  const explainMissing = async (groupId: string, thrown: unknown): Promise<never> => {
    if (codeOf(thrown) === "not_found") {
      setup = undefined;
      assertGroup(await checked(), groupId);
    }
    throw thrown;
  };

  const kibOf = ({ customFields }: ShownPerson) =>
    customFields.find(({ id, name }) => (id === "" ? name === kibField.name : id === kibField.id))?.value ?? "";
  const recent = new RecentPersons(now);
  const readPerson = async (personCode: string, caller: Caller) => {
    const person = await callsOf(caller)
      .personByCode(personCode)
      .catch((thrown) => {
        if (codeOf(thrown) === "not_found") return undefined;
        throw thrown;
      });
    if (person) recent.note(personCode, person);
    else recent.forget(personCode);
    return person;
  };
  const directory = new PersonDirectory({
    recent,
    now,
    page: (pageNo) => optional("the list of persons", () => ownCalls().personPage(() => ({ pageNo, pageSize }))),
    briefPage: (pageNo) => ownCalls().briefPersonPage(() => ({ pageNo, pageSize })),
  });
  let count: { askedAt: number; persons: Promise<number | undefined> } | undefined;
  const counted = () => {
    if (count && now() - count.askedAt < countMaxAgeMs) return count.persons;
    const ask = () => ownCalls().briefPersonPage(() => ({ pageNo: 1, pageSize: 1 }));
    const persons = optional("the list of persons", ask).then((page) => page?.total);
    count = { askedAt: now(), persons };
    persons.catch(() => {
      count = undefined;
    });
    return persons;
  };
  const hasFace = createFaceChecks({
    directory,
    now,
    page: (body, caller) => callsOf(caller).briefPersonPage(body),
    personByCode: readPerson,
  });
  const members = new GroupMembers({
    now,
    async read(groupId, ids) {
      const read = optional("the members of privilege groups", async () => {
        for await (const page of ownCalls().groupMembers(groupId)) for (const { id } of page) ids.add(id);
        return true;
      });
      return (await read.catch((thrown) => explainMissing(groupId, thrown))) ?? false;
    },
  });

  const group = createBatcher({
    max: maxGroupIds,
    async run(groupId, personIds, caller) {
      await callsOf(caller)
        .addToGroup(groupId, personIds)
        .catch((thrown) => {
          if (codeOf(thrown) === "already_exists") members.surprised(groupId);
          // n.b. For several it does not say which one is a member already, nor whether the others were added.
          if (personIds().length > 1) throw thrown;
          if (codeOf(thrown) !== "already_exists") return explainMissing(groupId, thrown);
        });
      members.added(groupId, personIds());
    },
  });
  const apply = createBatcher({
    max: maxApplyIds,
    run: async (_, personIds, caller) => void (await callsOf(caller).applyAccess(personIds)),
  });

  return {
    for(signal, on = {}) {
      const caller: Caller = { ...on, signal };
      const calls = callsOf(caller);
      const write = async <T>(call: (setup: Setup) => Promise<T>) => call(await setupOnceShown(caller));
      return {
        personByCode: (personCode) => readPerson(personCode, caller),
        async recentPerson(personCode, suffices = () => false) {
          const listed = recent.glance(personCode);
          const known = recent.get(personCode) ?? (listed && suffices(listed) ? listed : undefined);
          return known ?? (await readPerson(personCode, caller));
        },
        async glance(personCode, since) {
          const look = () => directory.glance(personCode, since);
          return look() ?? ((await sharedBy(caller, directory.listed())) ? look() : undefined);
        },
        async addPerson(person) {
          const { face, ...written } = person;
          const { personCode } = written;
          recent.forget(personCode);
          const personId = await write((setup) => {
            assertSetUp(setup, "organisation");
            return calls.addPerson(person);
          });
          directory.total++;
          members.newcomer(personId);
          const shown = { hasFace: face !== undefined, pictureAddress: "", customFields: [] };
          recent.note(personCode, { personId, ...written, ...shown });
          return personId;
        },
        updatePerson: (person, changes) =>
          write(() =>
            recent.writing(person.personId, changes, async () => void (await calls.updatePerson(person, changes))),
          ),
        // Whether it is stored is read afterwards.
        updateFace: (personId, face) =>
          write(() =>
            recent.writing(personId, { hasFace: true }, async () => void (await calls.updateFace(personId, face))),
          ),
        async hasFace(personCode) {
          const isStored = await hasFace(personCode, caller);
          if (!isStored) recent.forget(personCode);
          return isStored;
        },
        kibOf,
        holderOf: createKibHolders({ calls, optional, kibOf }),
        setKib: (personId, kib) =>
          write(async (setup) => {
            assertSetUp(setup, "field");
            const { field } = setup;
            if (field.type === 1 && !/^\d{1,32}$/.test(kib))
              throw reject(
                "bad_kib_number",
                `the custom field "${field.name}" accepts only digits, 32 at most: correct the KIB number in Eposh`,
              );
            const customFields = [{ ...field, value: kib }];
            await recent.writing(personId, { customFields }, () =>
              calls.setCustomField(personId, { ...field, value: kib }),
            );
          }),
        addToGroup: (groupId, personId) =>
          write((setup) => {
            assertGroup(setup, groupId);
            return group(groupId, personId, caller);
          }),
        async inGroup(groupId, personId, options = {}) {
          assertGroup(await shared(caller, checked()), groupId);
          return await members.isIn(groupId, personId, (work) => shared(caller, work), options);
        },
        applyAccess: (personId) => write(() => apply("", personId, caller)),
      };
    },
    reads: (signal) => callsOf({ signal }),
    async personCount(atLeast, caller) {
      const persons = await shared(caller, counted());
      if (persons === undefined || persons >= atLeast) return persons;
      count = undefined;
      return await shared(caller, counted());
    },
    async names(signal) {
      const { names } = await untilAborted(checked(), signal);
      isShown = true;
      return names;
    },
    probe: transport.probe,
    async [Symbol.asyncDispose]() {
      closing.abort();
      directory[Symbol.dispose]();
      transport[Symbol.dispose]();
    },
  };
}
