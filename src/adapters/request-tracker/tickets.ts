/**
 * Request Tracker 5, REST 2. A stock RT has no custom field for our key, so the key's mark stands in the subject
 * (`[selfheal 0123…]`), where TicketSQL can look for it; a comment's mark is its own subject, which RT shows in the
 * history as the transaction's `Data`.
 */
import type { z } from "zod";
import type { Outside, Ticket, TicketPort } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { Guarded } from "../guarded.ts";
import { httpJson, type HttpJson } from "../http.ts";
import { keyMark } from "../key-mark.ts";
import { created, found, history, messages, statusOf, ticket } from "./answers.ts";

export interface RequestTrackerOptions {
  /** RT's web address, e.g. `https://rt.example.com`; its REST lies below in `/REST/2.0`. */
  url: string;
  token: Secret;
  /** For tickets that name no queue. */
  queue?: string | undefined;
  outside: Outside;
  timeoutMs?: number;
}

/** RT's own limit of a subject. */
const LONGEST_SUBJECT = 200;
/** RT's own limit of a page. */
const PAGE = 100;
const MOST_PAGES = 50;

const subjectMark = (key: string): string => `[selfheal ${keyMark(key)}]`;
const commentMark = (key: string): string => `selfheal ${keyMark(key)}`;

interface Rt {
  guarded: Guarded;
  http: HttpJson;
  /** Of the web pages. */
  base: string;
}

export function requestTracker(options: RequestTrackerOptions): TicketPort {
  const { outside, token, timeoutMs = 10_000 } = options;
  const base = options.url.replace(/\/+$/, "").replace(/\/REST\/2\.0$/, "");
  const guarded = new Guarded({ system: "request-tracker", clock: outside.clock, timeoutMs, secrets: [token] });
  const headers = (): Record<string, string> => ({ authorization: `token ${token.reveal()}` });
  const http = httpJson({ guarded, fetch: outside.fetch, url: `${base}/REST/2.0`, headers });
  const rt: Rt = { guarded, http, base };
  return {
    open: ({ queue, ...rest }) => open(rt, { ...rest, queue: queue === "" ? (options.queue ?? "") : queue }),
    findByKey: (key) => findByKey(rt, key),
    get: async (id) => get(rt, ticketNumber(rt, id, "get")),
    getMany: (ids) => getMany(rt, ids),
    comment: async (id, key, text) => comment(rt, ticketNumber(rt, id, "comment"), key, text),
    hasComment: async (id, key) => commented(rt, ticketNumber(rt, id, "history"), commentMark(key)),
    setStatus: async (id, status, key, text) => {
      const number = ticketNumber(rt, id, "set status");
      await comment(rt, number, key, text);
      await setStatus(rt, number, status);
    },
  };
}

/** Goes into paths and TicketSQL: digits only. */
function ticketNumber({ guarded }: Rt, id: string, operation: string): string {
  if (/^[0-9]{1,18}$/.test(id)) return id;
  throw guarded.fail("permanent", operation, `"${id}" is not a ticket number`);
}

function asTicket({ base }: Rt, raw: z.infer<typeof ticket>, id = raw.id): Ticket {
  const url = `${base}/Ticket/Display.html?id=${id}`;
  return { id, status: statusOf(raw.Status), rawStatus: raw.Status, subject: raw.Subject, url };
}

async function open(rt: Rt, { key, queue, subject, body }: Parameters<TicketPort["open"]>[0]): Promise<Ticket> {
  if (queue === "") {
    throw rt.guarded.fail("permanent", "open", "no queue is given, and connections.tickets.queue is not set");
  }
  const mark = subjectMark(key);
  const Subject = `${subject.replace(/\s+/g, " ").slice(0, LONGEST_SUBJECT - mark.length - 1)} ${mark}`;
  const Content = `${body}\n\n-- \nselfheal effect: ${key}`;
  const request = { Queue: queue, Subject, Content, ContentType: "text/plain" };
  const call = { operation: "open", kind: "write", method: "POST", path: "/ticket" } as const;
  const { id } = await rt.http({ ...call, body: request, accept: created });
  return asTicket(rt, { id, Subject, Status: "new" });
}

async function findByKey(rt: Rt, key: string): Promise<Ticket[]> {
  const mark = subjectMark(key);
  const tickets = await search(rt, `Subject LIKE '${mark}'`);
  return tickets.filter((one) => one.subject.includes(mark));
}

/** At most PAGE tickets: no search of ours means more. */
async function search(rt: Rt, query: string): Promise<Ticket[]> {
  const ask = { query, fields: "Subject,Status", orderby: "id", per_page: String(PAGE) };
  const call = { operation: "search", kind: "read", method: "GET", path: "/tickets", query: ask } as const;
  return (await rt.http({ ...call, accept: found })).items.map((raw) => asTicket(rt, raw));
}

async function get(rt: Rt, id: string): Promise<Ticket | null> {
  const call = { operation: "get", kind: "read", method: "GET", path: `/ticket/${id}` } as const;
  const raw = await rt.http<z.infer<typeof ticket> | null>({ ...call, accept: ticket, on: { 404: () => null } });
  // A ticket that was merged into another answers as that one; it stays known by the id we asked for.
  return raw === null ? null : asTicket(rt, raw, id);
}

async function getMany(rt: Rt, ids: string[]): Promise<Ticket[]> {
  const numbers = [...new Set(ids.map((id) => ticketNumber(rt, id, "get many")))];
  const tickets: Ticket[] = [];
  for (let at = 0; at < numbers.length; at += PAGE) {
    const page = numbers.slice(at, at + PAGE);
    tickets.push(...(await search(rt, page.map((id) => `id = ${id}`).join(" OR "))));
  }
  // No search shows a ticket that was deleted, or merged into another; each by itself is still answered.
  const seen = new Set(tickets.map((one) => one.id));
  const hidden = await Promise.all(numbers.filter((id) => !seen.has(id)).map((id) => get(rt, id)));
  return [...tickets, ...hidden.filter((one) => one !== null)];
}

async function commented(rt: Rt, id: string, mark: string): Promise<boolean> {
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    // The newest first: what we look for is among the last.
    const query = { fields: "Type,Data", orderby: "id", order: "DESC", per_page: String(PAGE), page: String(page) };
    const call = { operation: "history", kind: "read", method: "GET", path: `/ticket/${id}/history`, query } as const;
    const { items } = await rt.http({ ...call, accept: history });
    if (items.some((item) => item.Type === "Comment" && item.Data?.trim() === mark)) return true;
    if (items.length < PAGE) return false;
  }
  throw rt.guarded.fail("permanent", "history", `ticket ${id} has more than ${MOST_PAGES * PAGE} transactions`);
}

async function comment(rt: Rt, id: string, key: string, text: string): Promise<void> {
  const mark = commentMark(key);
  if (await commented(rt, id, mark)) return;
  const body = { Subject: mark, Content: text, ContentType: "text/plain" };
  const call = { operation: "comment", kind: "write", method: "POST", path: `/ticket/${id}/comment` } as const;
  await rt.http({ ...call, body, accept: messages });
}

async function setStatus(rt: Rt, id: string, status: "resolved" | "rejected"): Promise<void> {
  const before = await get(rt, id);
  if (before === null) throw rt.guarded.fail("permanent", "set status", `ticket ${id} does not exist`);
  if (before.status === status) return;
  const call = { operation: "set status", kind: "write", method: "PUT", path: `/ticket/${id}` } as const;
  const said = await rt.http({ ...call, body: { Status: status }, accept: messages });
  // RT answers 200 even when it refuses: only the ticket itself tells.
  const after = await get(rt, id);
  if (after?.status !== status) {
    throw rt.guarded.fail("permanent", "set status", said.join(" ") || "nothing changed");
  }
}
