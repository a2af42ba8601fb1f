/** `GET /v1/events`: live change as server-sent events. `POST /v1/events/tickets/{system}`: what ticket systems tell. */
import { z } from "zod";
import type { Change } from "../../record/api-http.ts";
import type { ListFilter, RemediationRow } from "../../record/api.ts";
import { idOf, placeOf, type ChangeFeed, type Subscriber } from "../change-feed.ts";
import { clipValue, wrongField } from "../problems.ts";
import { TICKET_SYSTEMS, type TicketSystem } from "../tickets.ts";
import { stillMay } from "./auth.ts";
import { readJson } from "./body.ts";
import { confinedGroups } from "./caller.ts";
import { operation, type AnyOperation } from "./operation.ts";
import { FILTER, filterOf, linksOf, type Links } from "./remediations.ts";

/** What `data` of an event `change` holds. */
export interface ChangeEvent {
  remediationId: string;
  /** Of its audit chain. */
  seq: number;
  at: string;
  /** What was written down: `opened`, `progress`, `verdict`, `decision`, `effectSettled`, `closed`, … */
  kind: string;
  /** As it is now. */
  remediation: RemediationRow & { links: Links };
}

/** From one heartbeat, and one look whether the listener still may, to the next. */
export const BEAT_MS = 15_000;
/** What a client may leave unread before it is cut off: it comes back with the id of what it read last. */
const MOST_UNREAD_BYTES = 1024 * 1024;
const MAX_TICKET_BYTES = 1024 * 1024;

const row = { tag: "events" } as const;
const SSE = { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" };

export const EVENT_OPERATIONS: AnyOperation[] = [
  operation({
    ...row,
    method: "get",
    path: "/v1/events",
    role: "viewer",
    summary: "Live change as server-sent events, at least once and in order",
    description:
      "Events named `change` carry the remediation as it is now. `Last-Event-ID` goes on behind the event of that id; " +
      "an event `reset` says that too much was missed: list afresh. Comments are heartbeats. The stream ends when its " +
      "token does.",
    query: z.strictObject(FILTER, { error: "only open, target, runbook, group, phase and outcome" }),
    answer: z.string(),
    answerType: "text/event-stream",
    handle: async (deps, { query, context }) => {
      const since = sinceOf(context.req.header("last-event-id"));
      // Changes come outside of this request: what its caller may see is asked now.
      const filter = { ...filterOf(query), groups: confinedGroups() };
      const toText = (change: Change) => eventOf(change, linksOf(deps, change.remediation));
      const body = await stream(deps.feed, since, {
        toText: (change) => (fits(change.remediation, filter) ? toText(change) : ""),
        stillMay: stillMay(deps.authenticate, context, "viewer"),
      });
      return new Response(body, { headers: SSE });
    },
  }),
  ...TICKET_SYSTEMS.map(ticketOperation),
];

function ticketOperation(system: TicketSystem): AnyOperation {
  return operation({
    ...row,
    method: "post",
    path: `/v1/events/tickets/${system.name}`,
    role: "source",
    source: { name: system.name, again: { tickets: [], woken: 0 } },
    summary: `Wake who waits for a ticket: ${system.summary}`,
    description: "Nothing that it says of the ticket is believed: the ticket is read.",
    body: system.body,
    bodyTypes: ["application/json"],
    bodyBytes: () => MAX_TICKET_BYTES,
    status: 202,
    answer: z.object({ tickets: z.array(z.string()), woken: z.int().min(0) }),
    handle: async ({ tickets }, { context, log }) => tickets.take(system, await readJson(context), log),
  });
}

function sinceOf(id: string | undefined) {
  if (id === undefined || id === "") return null;
  const place = placeOf(id);
  if (place === null) throw wrongField("Last-Event-ID", clipValue(id), "the id of an event of this stream");
  return place;
}

/** As the list would find it. */
function fits(one: RemediationRow, { open, target, runbook, group, groups, phase, outcome }: ListFilter): boolean {
  const named = [one.target.id, `${one.target.kind}/${one.target.id}`];
  return (
    (open === undefined || open === (one.closedAt === null)) &&
    (target === undefined || named.includes(target)) &&
    (runbook === undefined || runbook === one.runbook) &&
    (group === undefined || group === one.group) &&
    (!groups || groups.includes(one.group)) &&
    (phase === undefined || phase === one.phase) &&
    (outcome === undefined || outcome === one.outcome)
  );
}

function eventOf(change: Change, links: Links): string {
  const { remediationId, seq, at, kind, remediation } = change;
  const data: ChangeEvent = { remediationId, seq, at, kind, remediation: { ...remediation, links } };
  // JSON has no line ends of its own, so one line of data is enough.
  return `id: ${idOf(change)}\nevent: change\ndata: ${JSON.stringify(data)}\n\n`;
}

interface Listener {
  /** "" for what he does not want. */
  toText: (change: Change) => string;
  /** Never rejects. */
  stillMay: () => Promise<boolean>;
}

async function stream(
  feed: ChangeFeed,
  since: Parameters<ChangeFeed["subscribe"]>[1],
  listener: Listener,
): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  // What comes before the missed ones are sent waits for them.
  let early: Change[] | null = [];
  const sent = new Set<string>();
  let beat: NodeJS.Timeout | undefined;
  const send = (text: string): void => {
    if (text === "" || controller === null) return;
    if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(text));
    else subscriber.end();
  };
  const subscriber: Subscriber = {
    take: (change) => {
      if (early !== null) early.push(change);
      else if (!sent.has(idOf(change))) send(listener.toText(change));
    },
    end: () => {
      clearInterval(beat);
      feed.leave(subscriber);
      controller?.close();
      controller = null;
    },
  };
  const onBeat = async (): Promise<void> => {
    if (await listener.stillMay()) send(": beat\n\n");
    else subscriber.end();
  };
  const missed = await feed.subscribe(subscriber, since);
  return new ReadableStream<Uint8Array>(
    {
      start: (own) => {
        controller = own;
        beat = setInterval(() => void onBeat(), BEAT_MS).unref();
        send("retry: 2000\n\n");
        if (missed === null) send("event: reset\ndata: {}\n\n");
        // However much that is, and it is bounded: who is cut off in the middle of it would never get to its end.
        for (const change of missed ?? []) {
          sent.add(idOf(change));
          own.enqueue(encoder.encode(listener.toText(change)));
        }
        const waiting = early ?? [];
        early = null;
        for (const change of waiting) subscriber.take(change);
      },
      cancel: () => {
        controller = null;
        subscriber.end();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MOST_UNREAD_BYTES }),
  );
}
