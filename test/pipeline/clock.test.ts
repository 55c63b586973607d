import { expect, test } from "bun:test";
import { Ledger } from "../../src/ledger/ledger.ts";
import { budi, type InProcessSite, startSite } from "../support/site.ts";

const [nik, kib] = ["3500003101900001", "2600001"];
const future = "2035-01-01T00:00:00.000Z";
const fetched = (at: string) => ({ "hs-fetched": at });

/** What a clock that was ahead left where the time of the last data is kept. */
const left: Record<string, (site: InProcessSite) => Promise<unknown>> = {
  "the headers of a message": async (site) => {
    await site.start();
    await site.employ(budi(site), fetched(future));
  },
  "the remark of a person": async (site) => {
    await site.start();
    await site.employ(budi(site), fetched(new Date().toISOString()));
    const [person] = site.hikcentral.persons.values();
    if (person) person.remark = "[hs 20350101T000000.000Z -]";
  },
  "the ledger": async (site) => {
    using ledger = new Ledger({ folder: site.folder, keepDays: 90, say: () => {}, now: () => new Date(future) });
    const at = new Date(future);
    const entry = { run: undefined, item: "ahead", kind: "person", outcome: "done", attempt: 0 } as const;
    for (const stage of ["create-person", "update-kib", "assign-privilege"])
      void ledger.record({ ...entry, stage, at, code: nik, kib, fetchedAt: at });
    ledger.flush();
  },
};

test.each(Object.keys(left))("a clock that was once ahead holds back no later name and KIB: %s", async (where) => {
  await using site = await startSite({ start: false });
  await left[where]?.(site);
  if (where === "the ledger") {
    await site.start();
    await site.employ(budi(site));
  }
  const later = budi(site, { name: "Budi Contoh Santoso Putra", kib_number: "2600009" });
  expect(await site.employ(later, fetched(new Date().toISOString()))).toMatchObject({ end: "done" });
  expect(site.person(nik)).toMatchObject({ personFamilyName: "Contoh Santoso Putra", kib: "2600009" });
});
