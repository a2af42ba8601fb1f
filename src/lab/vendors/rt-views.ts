/** Request Tracker's JSON shapes, as captured from 5.0.3. */
import type { LabTicket, Transaction } from "../tickets.ts";
import { TICKET_KEY_FIELD } from "../types.ts";
import type { World } from "../world.ts";

type Json = Record<string, unknown>;

export const CUSTOM_FIELDS: Readonly<Record<string, string>> = { [TICKET_KEY_FIELD]: "1" };
const NEVER = "1970-01-01T00:00:00Z";
const TRANSITIONS: Record<string, string[]> = {
  new: ["open", "resolved", "rejected", "deleted"],
  open: ["stalled", "resolved", "rejected"],
  stalled: ["open"],
  resolved: ["open"],
  rejected: ["open"],
  deleted: [],
};

export class RtViews {
  readonly #world: World;
  readonly #base: string;

  constructor(world: World, base: string) {
    this.#world = world;
    this.#base = base;
  }

  /** RT's times have no fractions. */
  time(labMs: number): string {
    return labMs === 0 ? NEVER : this.#world.time(labMs).replace(/\.\d+Z$/, "Z");
  }

  reference(type: string, id: string | number): Json {
    return { type, id: String(id), _url: `${this.#base}/${type}/${id}` };
  }

  ticket(ticket: LabTicket): Json {
    const self = `${this.#base}/ticket/${ticket.id}`;
    const fields: Json = {};
    for (const name of Object.keys(TICKET_FIELDS)) fields[name] = this.ticketField(ticket, name, {});
    return {
      ...fields,
      _hyperlinks: [
        { ref: "self", type: "ticket", id: ticket.id, _url: self },
        ...Object.entries(CUSTOM_FIELDS).map(([name, id]) => ({
          ...this.reference("customfield", id),
          ref: "customfield",
          name,
        })),
        ...["history", "correspond", "comment"].map((ref) => ({ ref, _url: `${self}/${ref}` })),
        ...(TRANSITIONS[ticket.status] ?? []).map((to) => ({
          ref: "lifecycle",
          from: ticket.status,
          to,
          _url: `${self}/comment`,
        })),
      ],
    };
  }

  /** Undefined for a field that tickets do not have. `more` says which fields of a referenced object are wanted. */
  ticketField(ticket: LabTicket, name: string, more: Record<string, string[]>): unknown {
    return TICKET_FIELDS[name]?.(ticket, this, this.#world, more[name] ?? []);
  }

  transaction(ticket: LabTicket, transaction: Transaction, fields: string[]): Json {
    const all: Json = {
      Type: transaction.type,
      Field: transaction.field,
      OldValue: transaction.oldValue,
      NewValue: transaction.newValue,
      Created: this.time(transaction.created),
      Creator: this.reference("user", transaction.creator),
      Object: this.reference("ticket", ticket.id),
      // The real one is empty here too: a message's text is in its attachment.
      Content: "",
      Data:
        transaction.attachment && transaction.type !== "Create" ? transaction.attachment.subject || "No Subject" : "",
    };
    return { ...pick(all, fields), ...this.reference("transaction", transaction.id) };
  }

  attachment(transaction: Transaction, fields: string[]): Json {
    const attachment = transaction.attachment;
    if (!attachment) throw new Error(`transaction ${transaction.id} has no attachment`);
    const all: Json = {
      Subject: attachment.subject,
      Filename: "",
      ContentType: attachment.contentType,
      Content: attachment.content,
      TransactionId: String(transaction.id),
      Created: this.time(transaction.created),
      Creator: this.reference("user", transaction.creator),
    };
    return { ...pick(all, fields), ...this.reference("attachment", attachment.id) };
  }

  /** One page of a collection. `url` is what was asked, without `page`. */
  page(items: unknown[], asked: URLSearchParams, url: string): Json {
    const perPage = Math.min(100, Math.max(1, Number(asked.get("per_page") ?? 20) || 20));
    const page = Math.max(1, Number(asked.get("page") ?? 1) || 1);
    const pages = Math.ceil(items.length / perPage);
    const shown = items.slice((page - 1) * perPage, page * perPage);
    const link = (to: number): string => {
      const query = new URLSearchParams(asked);
      query.set("page", String(to));
      return `${url}?${query.toString()}`;
    };
    return {
      count: shown.length,
      total: items.length,
      per_page: perPage,
      page,
      pages,
      items: shown,
      ...(page < pages && { next_page: link(page + 1) }),
      ...(page > 1 && page <= pages && { prev_page: link(page - 1) }),
    };
  }
}

type FieldReader = (ticket: LabTicket, views: RtViews, world: World, more: string[]) => unknown;

const TICKET_FIELDS: Record<string, FieldReader> = {
  id: (ticket) => ticket.id,
  Type: () => "ticket",
  Subject: (ticket) => ticket.subject,
  Status: (ticket) => ticket.status,
  Queue: (ticket, views, world, more) => ({
    ...views.reference("queue", world.tickets.queues.get(ticket.queue) ?? 0),
    ...(more.includes("Name") && { Name: ticket.queue }),
  }),
  Owner: (ticket, views) => views.reference("user", ticket.owner),
  Creator: (ticket, views) => views.reference("user", ticket.creator),
  Created: (ticket, views) => views.time(ticket.created),
  Started: (ticket, views) => views.time(ticket.started),
  Starts: () => NEVER,
  Due: () => NEVER,
  Resolved: (ticket, views) => views.time(ticket.resolved),
  LastUpdated: (ticket, views) => views.time(ticket.lastUpdated),
  LastUpdatedBy: (ticket, views) => views.reference("user", ticket.lastUpdatedBy),
  Priority: (ticket) => String(ticket.priority),
  InitialPriority: () => "0",
  FinalPriority: () => "0",
  TimeEstimated: () => "0",
  TimeLeft: () => "0",
  TimeWorked: () => "0",
  EffectiveId: (ticket, views) => views.reference("ticket", ticket.id),
  Requestor: (ticket, views) => ticket.requestor.map((name) => views.reference("user", name)),
  Cc: () => [],
  AdminCc: () => [],
  CustomFields: (ticket, views) =>
    Object.entries(CUSTOM_FIELDS).map(([name, id]) => ({
      ...views.reference("customfield", id),
      name,
      values: ticket.customFields[name] === undefined ? [] : [ticket.customFields[name]],
    })),
};

function pick(all: Json, fields: string[]): Json {
  return Object.fromEntries(Object.entries(all).filter(([name]) => fields.includes(name)));
}
