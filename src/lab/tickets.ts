/** Request Tracker's data: queues, tickets, transactions. No protocol here; see vendors/rt.ts. */
import type { Host } from "./host.ts";
import { TICKET_KEY_FIELD } from "./types.ts";
import type { World } from "./world.ts";

export type TicketStatus = "new" | "open" | "stalled" | "resolved" | "rejected" | "deleted";
export const TICKET_STATUSES: readonly TicketStatus[] = ["new", "open", "stalled", "resolved", "rejected", "deleted"];

export interface Transaction {
  id: number;
  /** As RT names it: `Create`, `Comment`, `Correspond`, `Status`, `Set`, `CustomField`. */
  type: string;
  field: string;
  oldValue: string;
  newValue: string;
  creator: string;
  /** Lab ms. */
  created: number;
  /** The text of a message, with the id of its attachment. */
  attachment: { id: number; content: string; contentType: string; subject: string } | null;
}

export interface LabTicket {
  id: number;
  queue: string;
  /** The host that it is about, as far as the text says. */
  host: string | null;
  subject: string;
  status: TicketStatus;
  owner: string;
  creator: string;
  requestor: string[];
  priority: number;
  customFields: Record<string, string>;
  /** Lab ms; 0 for never. */
  created: number;
  started: number;
  resolved: number;
  lastUpdated: number;
  lastUpdatedBy: string;
  transactions: Transaction[];
}

export interface NewTicket {
  queue: string;
  subject: string;
  content: string;
  contentType: string;
  customFields: Record<string, string>;
  requestor: string[];
  creator: string;
}

type Change = Pick<Transaction, "type" | "creator"> &
  Partial<Pick<Transaction, "field" | "oldValue" | "newValue">> & {
    message?: { content: string; contentType: string; subject: string };
  };

export class TicketStore {
  readonly queues: ReadonlyMap<string, number>;
  readonly #tickets = new Map<number, LabTicket>();
  readonly #world: World;
  readonly #listeners: ((ticket: LabTicket, transaction: Transaction) => void)[] = [];
  #transactions = 0;
  #attachments = 0;

  constructor(world: World, extraQueues: string[]) {
    this.#world = world;
    const names = [...new Set(["General", "datacenter", "problems", ...extraQueues])];
    this.queues = new Map(names.map((name, index) => [name, index + 1]));
  }

  /** Called after each transaction. */
  onTransaction(listener: (ticket: LabTicket, transaction: Transaction) => void): void {
    this.#listeners.push(listener);
  }

  all(): LabTicket[] {
    return [...this.#tickets.values()];
  }

  get(id: number): LabTicket | null {
    return this.#tickets.get(id) ?? null;
  }

  byKey(key: string): LabTicket[] {
    return this.all().filter((ticket) => this.keyOf(ticket) === key);
  }

  /** The caller's idempotency key: in the custom field, or in the text (`selfheal effect: <key>`). */
  keyOf(ticket: LabTicket): string | undefined {
    return ticket.customFields[TICKET_KEY_FIELD] ?? /^selfheal effect: (\S+)$/m.exec(this.body(ticket))?.[1];
  }

  /** The text that it was opened with. */
  body(ticket: LabTicket): string {
    return ticket.transactions.find((transaction) => transaction.type === "Create")?.attachment?.content ?? "";
  }

  create(ticket: NewTicket): LabTicket {
    const now = this.#world.clock.now();
    const { content, contentType, ...fields } = ticket;
    const created: LabTicket = {
      ...fields,
      id: this.#tickets.size + 1,
      host: hostNamedIn(this.#world, `${ticket.subject} ${content}`)?.id ?? null,
      status: "new",
      owner: "Nobody",
      priority: 0,
      created: now,
      started: 0,
      resolved: 0,
      lastUpdated: now,
      lastUpdatedBy: ticket.creator,
      transactions: [],
    };
    this.#tickets.set(created.id, created);
    this.#append(created, {
      type: "Create",
      creator: ticket.creator,
      message: { content, contentType, subject: ticket.subject },
    });
    const key = this.keyOf(created);
    const detail = `#${created.id} in ${ticket.queue}: ${ticket.subject}`;
    const host = created.host;
    this.#world.note({ system: "rt", what: "ticket-created", ...(host && { host }), ...(key && { key }), detail });
    this.#tell(created);
    return created;
  }

  /** Comment or reply. A reply to a new ticket opens it, as RT's own scrip does. */
  message(
    ticket: LabTicket,
    type: "Comment" | "Correspond",
    message: { content: string; contentType?: string; subject?: string },
    by: string,
  ): Transaction {
    const full = { contentType: "text/plain", subject: "", ...message };
    const transaction = this.#record(ticket, { type, creator: by, message: full });
    if (type === "Correspond" && ticket.status === "new") this.setStatus(ticket, "open", "RT_System");
    return transaction;
  }

  setStatus(ticket: LabTicket, status: TicketStatus, by: string): void {
    const before = ticket.status;
    if (before === status) return;
    ticket.status = status;
    const now = this.#world.clock.now();
    if (before === "new" && ticket.started === 0) ticket.started = now;
    if (["resolved", "rejected", "deleted"].includes(status)) ticket.resolved = now;
    const key = this.keyOf(ticket);
    const host = ticket.host;
    const detail = `#${ticket.id} by ${by}`;
    this.#world.note({ system: "rt", what: `ticket-${status}`, ...(host && { host }), ...(key && { key }), detail });
    this.#record(ticket, { type: "Status", field: "Status", oldValue: before, newValue: status, creator: by });
  }

  setCustomField(ticket: LabTicket, name: string, value: string, by: string): void {
    const before = ticket.customFields[name] ?? "";
    ticket.customFields[name] = value;
    this.#record(ticket, { type: "CustomField", field: "1", oldValue: before, newValue: value, creator: by });
  }

  /** Owner, Subject, Priority. */
  set(ticket: LabTicket, field: "owner" | "subject" | "priority", value: string, by: string): void {
    const before = String(ticket[field]);
    if (field === "priority") ticket.priority = Number(value);
    else ticket[field] = value;
    const name = field.charAt(0).toUpperCase() + field.slice(1);
    this.#record(ticket, { type: "Set", field: name, oldValue: before, newValue: value, creator: by });
  }

  #record(ticket: LabTicket, change: Change): Transaction {
    const transaction = this.#append(ticket, change);
    this.#tell(ticket);
    return transaction;
  }

  #tell(ticket: LabTicket): void {
    const transaction = ticket.transactions.at(-1);
    if (transaction) for (const listener of this.#listeners) listener(ticket, transaction);
  }

  #append(ticket: LabTicket, change: Change): Transaction {
    const { message, ...rest } = change;
    const transaction: Transaction = {
      field: "",
      oldValue: "",
      newValue: "",
      ...rest,
      id: ++this.#transactions,
      created: this.#world.clock.now(),
      attachment: message ? { id: ++this.#attachments, ...message } : null,
    };
    ticket.transactions.push(transaction);
    ticket.lastUpdated = transaction.created;
    ticket.lastUpdatedBy = change.creator;
    return transaction;
  }
}

/** The names and numbers in a text that a person wrote. */
export function wordsOf(text: string): Set<string> {
  return new Set(text.split(/[^\w.-]+/).map((word) => word.replace(/\.+$/, "")));
}

/** The host that a text is about: by its id, its full name or its address. */
export function hostNamedIn(world: Pick<World, "hosts">, text: string): Host | null {
  const words = wordsOf(text);
  const named = ({ id, fqdn, address }: Host): boolean => words.has(id) || words.has(fqdn) || words.has(address);
  return [...world.hosts.values()].find(named) ?? null;
}
