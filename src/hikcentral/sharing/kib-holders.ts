import { wholeName } from "../../people/names.ts";
import type { KibHolder, ShownPerson } from "../../people/types.ts";
import type { Calls } from "../api.ts";
import type { createOptionalReads } from "../setup-check.ts";

export interface KibHoldersOptions {
  readonly calls: Pick<Calls, "persons" | "personsByName">;
  readonly optional: ReturnType<typeof createOptionalReads>;
  readonly kibOf: (person: ShownPerson) => string;
}

/**
 * The name of a person who had a KIB number and has it still; undefined for anybody else. HikCentral finds nobody by
 * personId: so by the name that the person had, and else in the list of all, which is read at most once. Where the partner
 * may not search, the person counts as there.
 */
export function createKibHolders({ calls, optional, kibOf }: KibHoldersOptions) {
  const readAll = async () => {
    const all = new Map<string, Holding>();
    for await (const page of calls.persons()) for (const one of page) all.set(one.personId, holdingOf(one));
    return all;
  };
  const holdingOf = (person: ShownPerson): Holding => ({ name: wholeName(person), kib: kibOf(person) });
  let listed: Promise<ReadonlyMap<string, Holding> | undefined> | undefined;
  return async (kib: string, { personId, name }: KibHolder): Promise<string | undefined> => {
    const found = await optional("the search for persons", () => calls.personsByName(name));
    if (found === undefined) return name;
    const named = found.find((one) => one.personId === personId);
    // Removed, renamed since, or one of too many with that name.
    if (named === undefined) listed ??= optional("the list of persons", readAll);
    const holding = named ? holdingOf(named) : (await listed)?.get(personId);
    return holding?.kib === kib ? holding.name : undefined;
  };
}

interface Holding {
  readonly name: string;
  readonly kib: string;
}
