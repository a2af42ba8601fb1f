import { z } from "zod";
import type { Ticket } from "../../ports/ports.ts";

/** RT writes ids as numbers in some answers and as text in others. */
const id = z.union([z.string(), z.number()]).transform(String);

export const created = z.object({ id });
export const ticket = z.object({ id, Subject: z.string(), Status: z.string() });
export const found = z.object({ items: z.array(ticket) });
export const history = z.object({
  items: z.array(z.object({ Type: z.string(), Data: z.string().nullish() })),
});
/** The sentences that RT would show to a person; they hold refusals too, under a 200. */
export const messages = z.array(z.string());

/** Statuses of RT's default life cycle; one that we do not know counts as open, so that nothing is taken as done. */
export function statusOf(raw: string): Ticket["status"] {
  if (raw === "resolved") return "resolved";
  return raw === "rejected" || raw === "deleted" ? "rejected" : "open";
}
