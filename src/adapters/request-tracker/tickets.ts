/**
 * Request Tracker 5, REST 2. A stock RT has no custom field for our key, so the key's mark stands in the subject
 * (`[selfheal 0123…]`), where TicketSQL can look for it; a comment's mark is its own subject, which RT shows in the
 * history as the transaction's `Data`.
 */
import { z } from "zod";
import type { Outside, Ticket, TicketPort } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";
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

const LONGEST_SUBJECT = 200;
const PAGE = 100;
const MOST_PAGES = 50;

const subjectMark = (key: string): string => `[selfheal ${keyMark(key)}]`;
const commentMark = (key: string): string => `selfheal ${keyMark(key)}`;

export function requestTracker(options: RequestTrackerOptions): TicketPort {
  const client = rtClient(options);
  return {
    open: client.open,
    findByKey: async (key) => {
      const mark = subjectMark(key);
      const tickets = await client.search(`Subject LIKE '${mark}'`);
      return tickets.filter((one) => one.subject.includes(mark));
    },
    get: client.get,
    getMany: async (ids) => {
      const numbers = [...new Set(ids.map((id) => client.number(id, "get many")))];
      const tickets: Ticket[] = [];
      for (let at = 0; at < numbers.length; at += PAGE) {
        const page = numbers.slice(at, at + PAGE);
        tickets.push(...(await client.search(page.map((id) => `id = ${id}`).join(" OR "))));
      }
      return tickets;
    },
    comment: client.comment,
    hasComment: async (id, key) => client.commented(client.number(id, "history"), commentMark(key)),
    setStatus: async (id, status, key, text) => {
      await client.comment(id, key, text);
      await client.setStatus(id, status);
    },
  };
}

function rtClient(options: RequestTrackerOptions) {
  const { outside, token, timeoutMs = 10_000 } = options;
  const base = options.url.replace(/\/+$/, "").replace(/\/REST\/2\.0$/, "");
  const guarded = new Guarded({ system: "request-tracker", clock: outside.clock, timeoutMs, secrets: [token] });
  const headers = (): Record<string, string> => ({ authorization: `token ${token.reveal()}` });
  const http = httpJson({ guarded, fetch: outside.fetch, url: `${base}/REST/2.0`, headers });

  const number = (id: string, operation: string): string => {
    if (/^[0-9]{1,18}$/.test(id)) return id;
    throw guarded.fail("permanent", operation, `"${id}" is not a ticket number`);
  };
  const asTicket = (raw: z.infer<typeof ticket>, id = raw.id): Ticket => ({
    id,
    status: statusOf(raw.Status),
    rawStatus: raw.Status,
    subject: raw.Subject,
    url: `${base}/Ticket/Display.html?id=${id}`,
  });

  const search = async (query: string): Promise<Ticket[]> => {
    const ask = { query, fields: "Subject,Status", orderby: "id", per_page: String(PAGE) };
    const call = { operation: "search", kind: "read", method: "GET", path: "/tickets", query: ask } as const;
    return (await http({ ...call, accept: found })).items.map((raw) => asTicket(raw));
  };
  const get = async (id: string): Promise<Ticket | null> => {
    const path = `/ticket/${number(id, "get")}`;
    const on = { 404: () => null };
    const raw = await http({ operation: "get", kind: "read", method: "GET", path, accept: ticket.nullable(), on });
    // A ticket that was merged into another answers as that one; it stays known by the id we asked for.
    return raw === null ? null : asTicket(raw, id);
  };

  const open: TicketPort["open"] = async ({ key, queue, subject, body }) => {
    const Queue = queue === "" ? options.queue : queue;
    if (!Queue) throw guarded.fail("permanent", "open", "no queue is given, and connections.tickets.queue is not set");
    const mark = subjectMark(key);
    const Subject = `${subject.replace(/\s+/g, " ").slice(0, LONGEST_SUBJECT - mark.length - 1)} ${mark}`;
    const Content = `${body}\n\n-- \nselfheal effect: ${key}`;
    const request = { Queue, Subject, Content, ContentType: "text/plain" };
    const call = { operation: "open", kind: "write", method: "POST", path: "/ticket" } as const;
    const { id } = await http({ ...call, body: request, accept: created });
    return asTicket({ id, Subject, Status: "new" });
  };

  const commented = async (id: string, mark: string): Promise<boolean> => {
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      // The newest first: what we look for is among the last.
      const query = { fields: "Type,Data", orderby: "id", order: "DESC", per_page: String(PAGE), page: String(page) };
      const path = `/ticket/${id}/history`;
      const { items } = await http({ operation: "history", kind: "read", method: "GET", path, query, accept: history });
      if (items.some((item) => item.Type === "Comment" && item.Data?.trim() === mark)) return true;
      if (items.length < PAGE) return false;
    }
    throw guarded.fail("permanent", "history", `ticket ${id} has more than ${MOST_PAGES * PAGE} transactions`);
  };
  const comment: TicketPort["comment"] = async (rawId, key, text) => {
    const id = number(rawId, "comment");
    const mark = commentMark(key);
    if (await commented(id, mark)) return;
    const body = { Subject: mark, Content: text, ContentType: "text/plain" };
    const path = `/ticket/${id}/comment`;
    await http({ operation: "comment", kind: "write", method: "POST", path, body, accept: messages });
  };

  const setStatus = async (rawId: string, status: "resolved" | "rejected"): Promise<void> => {
    const id = number(rawId, "set status");
    const before = await get(id);
    if (before === null) throw guarded.fail("permanent", "set status", `ticket ${id} does not exist`);
    if (before.status === status) return;
    const request = { operation: "set status", kind: "write", method: "PUT", path: `/ticket/${id}` } as const;
    const said = await http({ ...request, body: { Status: status }, accept: messages });
    // RT answers 200 even when it refuses: only the ticket itself tells.
    const after = await get(id);
    if (after?.status !== status) throw guarded.fail("permanent", "set status", said.join(" ") || "nothing changed");
  };

  return { number, search, get, open, comment, commented, setStatus };
}
