/** Request Tracker's REST 2. Status codes, messages and oddities (an unknown queue is 403) as captured from 5.0.3. */
import type { LabReply, LabRequest, Vendor } from "../request.ts";
import { isObject, json, parameters, parseJson, segments, textOf } from "../request.ts";
import { hostNamedIn, type LabTicket, TICKET_STATUSES, type TicketStatus } from "../tickets.ts";
import type { World } from "../world.ts";
import { CUSTOM_FIELDS, RtViews } from "./rt-views.ts";
import { parseTicketSql } from "./ticketsql.ts";

const PREFIX = "/rt";
const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const NOT_FOUND: LabReply = json(404, { message: "Not Found" }, JSON_TYPE);
/** The user that the tokens belong to. */
const USER = "selfheal";

interface Call {
  world: World;
  request: LabRequest;
  views: RtViews;
  /** `http://…/rt/REST/2.0` */
  base: string;
}

export function requestTracker(world: World, tokens: string[]): Vendor {
  return {
    system: "rt",
    prefix: PREFIX,
    changes: (request) => request.method !== "GET" && !/\/tickets$/.test(request.path),
    hostOf: (request) => hostOf(world, request),
    handle: (request) => {
      const token = /^token (.+)$/.exec(request.headers["authorization"] ?? "")?.[1];
      if (token === undefined || !tokens.includes(token)) return json(401, { message: "Unauthorized" }, JSON_TYPE);
      const [rest, version, ...path] = segments(request.path);
      if (rest !== "REST" || version !== "2.0") return NOT_FOUND;
      const base = `${request.origin}${PREFIX}/REST/2.0`;
      return route({ world, request, base, views: new RtViews(world, base) }, path);
    },
  };
}

function hostOf(world: World, request: LabRequest): string | null {
  const ticket = world.tickets.get(Number(/\/ticket\/(\d+)/.exec(request.path)?.[1]));
  if (ticket) return ticket.host;
  return hostNamedIn(world, request.body.replaceAll(/\\[nrt]/g, " "))?.id ?? null;
}

function route(call: Call, path: string[]): LabReply {
  const [resource, id, part] = path;
  const { method } = call.request;
  if (resource === "rt" && method === "GET")
    return json(200, { Plugins: [], Version: "5.0.3+dfsg-3~deb12u6" }, JSON_TYPE);
  if (resource === "tickets") return search(call);
  if (resource === "queue" && id !== undefined) return queue(call, id);
  if (resource === "transaction" || resource === "attachment") return byTransaction(call, resource, Number(id), part);
  if (resource !== "ticket") return NOT_FOUND;
  if (id === undefined) return method === "POST" ? create(call) : NOT_FOUND;
  const ticket = call.world.tickets.get(Number(id));
  if (part === "comment" || part === "correspond") {
    return ticket ? message(call, ticket, part) : json(400, { message: "Message could not be recorded" }, JSON_TYPE);
  }
  if (!ticket)
    return method === "PUT"
      ? json(404, { message: "Resource does not exist; use POST to create" }, JSON_TYPE)
      : NOT_FOUND;
  if (part === "history" || part === "attachments") return history(call, ticket, part);
  if (part !== undefined) return NOT_FOUND;
  if (method === "PUT") return update(call, ticket);
  if (method === "DELETE") {
    call.world.tickets.setStatus(ticket, "deleted", USER);
    return { status: 204 };
  }
  const { time, ticket: view } = { time: call.views.time(ticket.lastUpdated), ticket: call.views.ticket(ticket) };
  return json(200, view, { ...JSON_TYPE, etag: `"${ticket.transactions.at(-1)?.id ?? 0}"`, "last-modified": time });
}

function create(call: Call): LabReply {
  const body = parseJson(call.request.body);
  if (!isObject(body)) return json(400, { message: "JSON parse error: malformed JSON string\n" }, JSON_TYPE);
  const asked = body["Queue"];
  if (asked === undefined || asked === "")
    return json(400, { message: "Could not create ticket. Queue not set" }, JSON_TYPE);
  const queues = call.world.tickets.queues;
  const known = [...queues].find(([name, id]) => name === asked || String(id) === textOf(asked));
  if (!known)
    return json(403, { message: `No permission to create tickets in the queue '${textOf(asked)}'` }, JSON_TYPE);
  const ticket = call.world.tickets.create({
    queue: known[0],
    subject: textOf(body["Subject"]),
    content: textOf(body["Content"]),
    contentType: textOf(body["ContentType"], "text/plain"),
    customFields: customFields(body["CustomFields"]),
    requestor: body["Requestor"] === undefined ? [] : [textOf(body["Requestor"])],
    creator: USER,
  });
  const status = TICKET_STATUSES.find((each) => each === body["Status"]);
  if (status) call.world.tickets.setStatus(ticket, status, USER);
  const location = `${call.base}/ticket/${ticket.id}`;
  return json(201, call.views.reference("ticket", ticket.id), { ...JSON_TYPE, location });
}

/** What the queue does not know is dropped without a word, as RT does. */
function customFields(value: unknown): Record<string, string> {
  if (!isObject(value)) return {};
  const known = Object.entries(value).filter(([name]) => name in CUSTOM_FIELDS);
  return Object.fromEntries(known.map(([name, each]) => [name, textOf(Array.isArray(each) ? each[0] : each)]));
}

function update(call: Call, ticket: LabTicket): LabReply {
  const { tickets } = call.world;
  const body = parseJson(call.request.body);
  if (!isObject(body)) return json(400, { message: "JSON parse error: malformed JSON string\n" }, JSON_TYPE);
  const messages: string[] = [];
  if (body["Status"] !== undefined) messages.push(...changeStatus(call, ticket, textOf(body["Status"])));
  for (const [name, field] of [
    ["Owner", "owner"],
    ["Subject", "subject"],
    ["Priority", "priority"],
  ] as const) {
    const value = body[name];
    if (value === undefined || textOf(value) === String(ticket[field])) continue;
    messages.push(`Ticket ${ticket.id}: ${name} changed from '${ticket[field]}' to '${textOf(value)}'`);
    tickets.set(ticket, field, textOf(value), USER);
  }
  for (const [name, value] of Object.entries(customFields(body["CustomFields"]))) {
    const before = ticket.customFields[name];
    if (before === value) continue;
    messages.push(before === undefined ? `${name} ${value} added` : `${name} ${before} changed to ${value}`);
    tickets.setCustomField(ticket, name, value, USER);
  }
  return json(200, messages, JSON_TYPE);
}

/** An impossible status is a 200 with a message: the caller has to read it. */
function changeStatus(call: Call, ticket: LabTicket, asked: string): string[] {
  const status = TICKET_STATUSES.find((each) => each === asked);
  if (!status) return [`Ticket ${ticket.id}: Status '${asked}' isn't a valid status for this ticket.`];
  if (status === ticket.status) return [];
  const before: TicketStatus = ticket.status;
  call.world.tickets.setStatus(ticket, status, USER);
  return [`Ticket ${ticket.id}: Status changed from '${before}' to '${status}'`];
}

function message(call: Call, ticket: LabTicket, part: "comment" | "correspond"): LabReply {
  if (call.request.method !== "POST") return NOT_FOUND;
  const isJson = call.request.headers["content-type"]?.includes("json") === true;
  const body = isJson ? parseJson(call.request.body) : { Content: call.request.body, ContentType: "text/plain" };
  if (!isObject(body)) return json(400, { message: "JSON parse error: malformed JSON string\n" }, JSON_TYPE);
  const [type, done] =
    part === "comment" ? (["Comment", "Comments added"] as const) : (["Correspond", "Correspondence added"] as const);
  const contentType = textOf(body["ContentType"], "text/plain");
  const content = { content: textOf(body["Content"]), contentType, subject: textOf(body["Subject"]) };
  const transaction = call.world.tickets.message(ticket, type, content, USER);
  const before = ticket.status;
  const status = TICKET_STATUSES.find((each) => each === body["Status"]);
  if (status) call.world.tickets.setStatus(ticket, status, USER);
  const messages = status && status !== before ? [done, `Status changed from '${before}' to '${status}'`] : [done];
  return json(201, messages, { ...JSON_TYPE, location: `${call.base}/transaction/${transaction.id}` });
}

function search(call: Call): LabReply {
  const asked = parameters(call.request);
  const sql = asked.get("query");
  if (sql === null) return json(400, { message: "Query can't be empty" }, JSON_TYPE);
  let found: LabTicket[];
  try {
    found = call.world.tickets
      .all()
      .filter((ticket) => ticket.status !== "deleted")
      .filter(parseTicketSql(sql));
  } catch (error) {
    return json(
      400,
      { message: `${(error as Error).message} at /usr/share/request-tracker5/lib/RT/Tickets.pm line 3187.\n` },
      JSON_TYPE,
    );
  }
  if (asked.get("order") === "DESC") found.reverse();
  const fields = listOf(asked.get("fields"));
  const more = Object.fromEntries(
    [...asked].flatMap(([name, value]) => {
      const field = /^fields\[(\w+)\]$/.exec(name)?.[1];
      return field === undefined ? [] : [[field, listOf(value)]];
    }),
  );
  const items = found.map((ticket) => ({
    ...call.views.reference("ticket", ticket.id),
    ...Object.fromEntries(fields.map((name) => [name, call.views.ticketField(ticket, name, more)])),
  }));
  return json(200, call.views.page(items, asked, `${call.base}/tickets`), JSON_TYPE);
}

function history(call: Call, ticket: LabTicket, part: "history" | "attachments"): LabReply {
  const fields = listOf(call.request.query.get("fields"));
  const transactions = [...ticket.transactions];
  if (call.request.query.get("order") === "DESC") transactions.reverse();
  const items =
    part === "history"
      ? transactions.map((each) => call.views.transaction(ticket, each, fields))
      : transactions.filter((each) => each.attachment).map((each) => call.views.attachment(each, fields));
  return json(200, call.views.page(items, call.request.query, `${call.base}/ticket/${ticket.id}/${part}`), JSON_TYPE);
}

function byTransaction(
  call: Call,
  resource: "transaction" | "attachment",
  id: number,
  part: string | undefined,
): LabReply {
  const all = [
    "Subject",
    "Filename",
    "ContentType",
    "Content",
    "TransactionId",
    "Created",
    "Creator",
    "Type",
    "Field",
    "OldValue",
    "NewValue",
    "Object",
  ];
  for (const ticket of call.world.tickets.all()) {
    for (const each of ticket.transactions) {
      if (resource === "attachment" && each.attachment?.id === id) {
        const view = call.views.attachment(each, all);
        // One by itself is in base64; in a list it is plain.
        return json(200, { ...view, id, Content: Buffer.from(each.attachment.content).toString("base64") }, JSON_TYPE);
      }
      if (resource !== "transaction" || each.id !== id) continue;
      if (part === undefined) return json(200, { ...call.views.transaction(ticket, each, all), id }, JSON_TYPE);
      const items = each.attachment ? [call.views.attachment(each, listOf(call.request.query.get("fields")))] : [];
      return json(
        200,
        call.views.page(items, call.request.query, `${call.base}/transaction/${id}/attachments`),
        JSON_TYPE,
      );
    }
  }
  return NOT_FOUND;
}

function queue(call: Call, asked: string): LabReply {
  const known = [...call.world.tickets.queues].find(([name, id]) => name === asked || String(id) === asked);
  if (!known) return NOT_FOUND;
  const [name, id] = known;
  const fields = Object.entries(CUSTOM_FIELDS).map(([field, at]) => ({
    ...call.views.reference("customfield", at),
    ref: "customfield",
    name: field,
  }));
  return json(
    200,
    {
      id,
      Name: name,
      Description: "",
      Disabled: "0",
      Lifecycle: "default",
      TicketCustomFields: fields,
      CustomFields: [],
    },
    JSON_TYPE,
  );
}

function listOf(commaSeparated: string | null): string[] {
  return (commaSeparated ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);
}
