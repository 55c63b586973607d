import type { Employee } from "../../src/simulator/people.ts";
import type { EposhPage } from "../../src/upstreams/eposh.ts";

interface Message {
  queue: string;
  /** hs-id and hs-code. */
  id: string;
  code: string;
  body: string;
}
export interface Published extends Message {
  messageId: string;
}
export interface Taken extends Message {
  /** How many publishes of its connection were confirmed before. */
  since: number;
}

const nextOf: Readonly<Record<string, string>> = {
  hikvision_create_person: "hikvision_update_kib",
  hikvision_update_kib: "hikvision_assign_privilege",
};

/** Whether all that follows from a message is among what was confirmed and routed since, and nothing of it still open. */
export function isFollowed(taken: Taken, confirmed: readonly Published[], open: readonly Published[]): boolean {
  const { queue, id, body } = taken;
  const main = queue.replace(/\.(retry\.\w+|dead)$/, "");
  const own = confirmed.filter((one) => one.id === id).map((one) => one.queue);
  // Given back: published again at the end of its queue.
  if (own.includes(queue)) return true;
  // From a retry queue or from the dead it goes back to its stage.
  if (queue !== main) return own.includes(main);
  if (own.some((one) => one.startsWith(`${main}.`))) return true;
  if (main === "hikvision_assign_privilege" || main === "hikvision_face") return true;
  if (main === "hikvision_queue") {
    const { data } = (JSON.parse(body) as { data: EposhPage }).data as { data: Employee[] };
    // n.b. Not by hs-code: a placeholder has none.
    const created = confirmed.filter((one) => one.queue === "hikvision_create_person");
    const niks = new Set(
      created.map((one) => (JSON.parse(one.body) as { employee: Employee }).employee.identity_number),
    );
    return data.every(({ identity_number }) => niks.has(identity_number));
  }
  if (main.startsWith("hikvision_induction")) {
    const isPage = (one: Published) => one.queue === "hikvision_queue" && one.id.startsWith(`${id}/`);
    const pages = confirmed.filter(isPage).map((one) => (JSON.parse(one.body) as { data: EposhPage }).data);
    const total = Math.max(0, ...pages.map(({ pagination }) => pagination.total));
    // Not by pages: one whose people all came with another, while Eposh drifted, is not sent.
    const people = new Set(pages.flatMap(({ data }) => data.map((one) => (one as Employee).identity_number)));
    return people.size === total && !open.some(isPage);
  }
  return own.includes(nextOf[main] ?? "");
}
