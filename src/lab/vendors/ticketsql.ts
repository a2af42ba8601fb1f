/** A subset of RT's TicketSQL: comparisons of id, Queue, Status, Subject, Owner and custom fields, AND, OR, brackets. */
import type { LabTicket } from "../tickets.ts";

export type TicketTest = (ticket: LabTicket) => boolean;

const TOKEN = /\s*(\(|\)|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|!=|>=|<=|=|>|<|CF\.\{[^}]*\}|[^\s()=<>!]+)/gy;

/** Throws an Error in RT's words. */
export function parseTicketSql(query: string): TicketTest {
  const tokens = tokenize(query);
  let at = 0;
  const peek = (): string => tokens[at] ?? "";
  const wrong = (expected: string): never => {
    throw new Error(`Wrong query, expecting a ${expected} in '${tokens.slice(0, at).join(" ")}>${peek()}<--here'`);
  };
  const either = (): TicketTest => {
    let left = both();
    while (/^or$/i.test(peek())) {
      at++;
      const [before, right] = [left, both()];
      left = (ticket) => before(ticket) || right(ticket);
    }
    return left;
  };
  const both = (): TicketTest => {
    let left = term();
    while (/^and$/i.test(peek())) {
      at++;
      const [before, right] = [left, term()];
      left = (ticket) => before(ticket) && right(ticket);
    }
    return left;
  };
  const term = (): TicketTest => {
    if (peek() === "(") {
      at++;
      const inner = either();
      if (peek() !== ")") wrong("CLOSE_PAREN");
      at++;
      return inner;
    }
    const field = unquote(tokens[at++] ?? wrong("KEYWORD"));
    let operator = (tokens[at] ?? "").toUpperCase();
    if (operator === "NOT" && /^like$/i.test(tokens[at + 1] ?? "")) operator = (at++, "NOT LIKE");
    if (!["=", "!=", ">", "<", ">=", "<=", "LIKE", "NOT LIKE", "IS"].includes(operator)) wrong("OPERATOR");
    at++;
    if (tokens[at] === undefined || peek() === "=" || peek() === ")") wrong("VALUE");
    return comparison(field, operator, unquote(tokens[at++] ?? ""));
  };
  const test = either();
  if (at < tokens.length) wrong("AND or OR");
  return test;
}

function tokenize(query: string): string[] {
  return [...query.matchAll(TOKEN)].map((match) => match[1] ?? "");
}

function comparison(field: string, operator: string, value: string): TicketTest {
  const read = reader(field);
  const wanted = value.toLowerCase();
  return (ticket) => {
    const actual = read(ticket).toLowerCase();
    switch (operator) {
      case "=":
        return actual === wanted;
      case "!=":
        return actual !== wanted;
      case "LIKE":
        return actual.includes(wanted);
      case "NOT LIKE":
        return !actual.includes(wanted);
      case "IS":
        return wanted === "null" && actual === "";
      case ">":
        return Number(actual) > Number(wanted);
      case "<":
        return Number(actual) < Number(wanted);
      case ">=":
        return Number(actual) >= Number(wanted);
      default:
        return Number(actual) <= Number(wanted);
    }
  };
}

function reader(field: string): (ticket: LabTicket) => string {
  const custom = /^(?:CF|CustomField)\.\{?([^}]+)\}?$/i.exec(field)?.[1];
  if (custom !== undefined) return (ticket) => ticket.customFields[custom] ?? "";
  switch (field.toLowerCase()) {
    case "id":
      return (ticket) => String(ticket.id);
    case "queue":
      return (ticket) => ticket.queue;
    case "status":
      return (ticket) => ticket.status;
    case "subject":
      return (ticket) => ticket.subject;
    case "owner":
      return (ticket) => ticket.owner;
    default:
      throw new Error(`Unknown field: ${field}`);
  }
}

function unquote(token: string): string {
  return /^(['"]).*\1$/s.test(token) ? token.slice(1, -1).replaceAll(/\\(.)/gs, "$1") : token;
}
