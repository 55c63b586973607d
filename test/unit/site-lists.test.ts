import { expect, test } from "bun:test";
import type { Person } from "../../src/people/types.ts";
import { SiteLists } from "../../src/reconcile/site-lists.ts";

const person = (personId: string, personCode: string) =>
  ({ personId, personCode, givenName: "Tamu", familyName: "Contoh", remark: "" }) as Person;
const [one, other] = [person("1", "3500000101900001"), person("2", "3500000101900002")];
const personByCode = async (code: string) => [one, other].find(({ personCode }) => personCode === code);

test("whoever stands in a list twice shares a KIB number with nobody", async () => {
  const lists = new SiteLists(new Map(), new Map(), () => "2600001");
  for (const listed of [one, one]) lists.add(listed);
  expect(await lists.twins({ personByCode })).toEqual([]);
  lists.add(other);
  expect(await lists.twins({ personByCode })).toMatchObject([{ code: "kib_in_use", kib: "2600001" }]);
});
