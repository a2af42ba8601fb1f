import { z } from "zod";
import type { AnyAction, EffectContext, Observation, Operation } from "../ports/action.ts";
import type { Ticket } from "../ports/ports.ts";
import { seenOf } from "../ports/watched.ts";
import {
  APPLY_TIMEOUT_MS,
  defineAction,
  failed,
  happened,
  HOUR_MS,
  MINUTE_MS,
  notHappened,
  pending,
} from "./define.ts";

const openInput = z.strictObject({
  queue: z.string().min(1).optional().describe("default: the queue of connections.tickets"),
  subject: z.string().min(1).max(150).optional().describe("default: made from the target and the serial"),
  body: z.string().min(1).optional().describe("what the person shall do; facts of the target are added"),
  serial: z.string().min(1).optional().describe("serial number of the part to replace"),
  slot: z.string().min(1).optional().describe("slot or bay of the part"),
  model: z.string().min(1).optional().describe("model of the part"),
});
type OpenInput = z.infer<typeof openInput>;

function subjectOf({ target }: EffectContext, { subject, serial, slot }: OpenInput): string {
  if (subject !== undefined) return subject;
  if (serial === undefined) return `Work on ${target.id}`;
  return `Replace the part ${serial} in ${target.id}${slot === undefined ? "" : `, slot ${slot}`}`;
}

function bodyOf({ target, remediationId }: EffectContext, { body, serial, slot, model }: OpenInput): string {
  const facts = { Target: target.id, Rack: target.rack, Region: target.region, Owner: target.owner };
  const part = { "Serial of the part": serial, Slot: slot, Model: model };
  const lines = Object.entries({ ...facts, ...part, Remediation: remediationId })
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => `${name}: ${value}`);
  const end = "Set this ticket to resolved when the work is done, to rejected when it cannot be done.";
  return [...(body === undefined ? [] : [body, ""]), ...lines, "", end].join("\n");
}

/** By number: `9` before `10`. */
const oldestFirst = (tickets: Ticket[]): Ticket[] =>
  [...tickets].sort((a, b) => a.id.length - b.id.length || a.id.localeCompare(b.id));

const open: Operation<OpenInput> = {
  async apply(context, input) {
    const { ports, key } = context;
    // The reply to an earlier open may have been lost: there must be exactly one ticket.
    if ((await ports.tickets.findByKey(key)).length > 0) return;
    const [subject, body] = [subjectOf(context, input), bodyOf(context, input)];
    await ports.tickets.open({ key, queue: input.queue ?? "", subject, body });
  },
  async observe({ ports, key }) {
    const [first, ...more] = oldestFirst(await ports.tickets.findByKey(key));
    if (first === undefined) return notHappened("there is no such ticket");
    const doubled = more.length > 0 ? `; double: ${more.map((one) => one.id).join(", ")}` : "";
    return happened(`ticket ${first.id} (${first.rawStatus})${doubled}`, { ticketId: first.id, url: first.url });
  },
};

/** Closes every ticket of the step that is still open; one that a person has closed stays as it is. */
function close(status: "resolved" | "rejected", text: (context: EffectContext) => string): Operation<OpenInput> {
  const left = async ({ ports, applyKey }: EffectContext): Promise<Ticket[]> =>
    (await ports.tickets.findByKey(applyKey)).filter((one) => one.status === "open");
  return {
    async apply(context) {
      for (const { id } of await left(context)) {
        await context.ports.tickets.setStatus(id, status, context.key, text(context));
      }
    },
    async observe(context) {
      const first = (await left(context))[0];
      return first
        ? notHappened(`ticket ${first.id} is ${first.rawStatus}`)
        : happened("no ticket of this step is open");
    },
  };
}

const leaveToPerson: Operation<OpenInput> = {
  async apply(context) {
    const { ports, applyKey, key, target, remediationId } = context;
    const text = `selfheal gives up remediation ${remediationId}: ${target.id} is not proven healthy and stays as it is. This ticket is left to a person.`;
    for (const { id } of await ports.tickets.findByKey(applyKey)) await ports.tickets.comment(id, key, text);
  },
  async observe({ ports, applyKey, key }) {
    for (const { id } of await ports.tickets.findByKey(applyKey)) {
      if (!(await ports.tickets.hasComment(id, key))) return notHappened(`ticket ${id} has no closing comment`);
    }
    return happened("commented");
  },
};

const commentInput = z.strictObject({
  ticket: z.string().min(1).describe("the ticket's id"),
  text: z.string().min(1).max(10_000).describe("what is said"),
});
type CommentInput = z.infer<typeof commentInput>;

const awaitInput = z.strictObject({ ticket: z.string().min(1).describe("the ticket's id") });
type AwaitInput = z.infer<typeof awaitInput>;

async function awaitResolved({ ports }: EffectContext, { ticket: id }: AwaitInput): Promise<Observation> {
  const ticket = await ports.tickets.get(id);
  if (ticket === null) return failed(`ticket ${id} does not exist any more`);
  const detail = `ticket ${id} is ${ticket.rawStatus}`;
  if (ticket.status === "open") return pending(detail, "tickets", id, seenOf.ticket(ticket));
  return ticket.status === "resolved" ? happened(detail, { ticketId: id, status: ticket.rawStatus }) : failed(detail);
}

const written = {
  version: 1,
  applyTimeoutMs: APPLY_TIMEOUT_MS,
  lifeMs: MINUTE_MS,
  defaultWithinMs: 5 * MINUTE_MS,
} as const;

export const ticketActions: AnyAction[] = [
  defineAction<OpenInput>({
    ...written,
    name: "ticket.open",
    summary: "Opens exactly one ticket for a person; withdrawn by undo, settled at the end.",
    risk: "low",
    input: openInput,
    output: z.object({ ticketId: z.string(), url: z.string() }),
    perform: open,
    undo: close(
      "rejected",
      ({ remediationId }) =>
        `Withdrawn by selfheal: remediation ${remediationId} took this step back. Nothing needs to be done.`,
    ),
    finishHealthy: close("resolved", ({ target }) => `Resolved by selfheal: ${target.id} is proven healthy.`),
    finishOtherwise: leaveToPerson,
  }),
  defineAction<CommentInput>({
    ...written,
    name: "ticket.comment",
    summary: "Comments on a ticket, once.",
    risk: "low",
    input: commentInput,
    output: z.object({ ticketId: z.string() }),
    perform: {
      apply: ({ ports, key }, { ticket, text }) => ports.tickets.comment(ticket, key, text),
      observe: async ({ ports, key }, { ticket }) =>
        (await ports.tickets.hasComment(ticket, key))
          ? happened(`commented on ticket ${ticket}`, { ticketId: ticket })
          : notHappened(`ticket ${ticket} has no such comment`),
    },
  }),
  defineAction<AwaitInput>({
    ...written,
    name: "ticket.awaitResolved",
    summary: "Waits until a person has resolved the ticket; fails when it is rejected or gone.",
    risk: "read",
    defaultWithinMs: 24 * HOUR_MS,
    input: awaitInput,
    output: z.object({ ticketId: z.string(), status: z.string() }),
    perform: { observe: awaitResolved },
  }),
];
