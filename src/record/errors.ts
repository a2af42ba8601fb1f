/** Errors of the record. None of them carries a connection string, a password or the parameters of a query. */
import { EXIT, messageOf, UserError } from "../config/user-error.ts";

/** Where a database is, without who we are there. */
export interface Place {
  host: string;
  port: string;
  database: string;
}

export function placeOf(databaseUrl: string): Place {
  try {
    const url = new URL(databaseUrl);
    const host = url.searchParams.get("host") ?? (url.hostname === "" ? "localhost" : url.hostname);
    return { host, port: url.port === "" ? "5432" : url.port, database: decodeURIComponent(url.pathname.slice(1)) };
  } catch {
    // Not even a URL; it may hold a password all the same, so nothing of it is shown.
    return { host: "(unreadable URL)", port: "?", database: "?" };
  }
}

/** The database cannot be reached or cannot serve now: nothing or everything of the call happened. Call again. */
export class RecordUnavailable extends UserError {
  readonly kind = "RecordUnavailable";
  /** Waiting does not cure it: what DATABASE_URL says is wrong. */
  readonly lasting: boolean;
  /** The same without the address: for whoever asks over the network. */
  readonly placeless: string;
  constructor(place: Place, why: string, { lasting = false }: { lasting?: boolean } = {}) {
    super(`the record's database ${place.host}:${place.port}/${place.database} cannot be used: ${why}`, {
      exitCode: EXIT.unavailable,
    });
    this.lasting = lasting;
    this.placeless = `the record's database cannot be used: ${why}`;
  }
}

export function isRecordUnavailable(error: unknown): error is RecordUnavailable {
  return error instanceof RecordUnavailable;
}

/** The call does not fit what the record holds (no such remediation, it is closed): calling again cannot help. */
export class RecordConflict extends Error {
  override readonly name = "RecordConflict";
}

/** The database's schema is of a newer selfheal. */
export class SchemaTooNew extends UserError {}

const START_HINT = "is PostgreSQL running there? `selfheal dev` brings its own when DATABASE_URL is unset";
const NETWORK_CODES: Record<string, string> = {
  ECONNREFUSED: `nothing listens there; ${START_HINT}`,
  ENOTFOUND: "no such host; check the host in DATABASE_URL",
  EAI_AGAIN: "the host's name could not be looked up; check DNS and the host in DATABASE_URL",
  ETIMEDOUT: "no answer in time; check network and firewall",
  EHOSTUNREACH: "no route to the host; check the network",
  ENETUNREACH: "no route to the network; check the network",
  ENOENT: `no such UNIX socket; ${START_HINT}`,
  ECONNRESET: "the connection was lost",
  EPIPE: "the connection was lost",
};
const SQL_STATES: Record<string, string> = {
  "28P01": "the password was not accepted; check user and password in DATABASE_URL",
  "28000": "the login was not accepted; check user and pg_hba.conf",
  "3D000": "no such database; create it or check the name in DATABASE_URL",
  "53100": "its disk is full: nothing is written, and no action begins, until there is room again",
  "53200": "it is out of memory",
  "53300": "it has no connection left; raise max_connections or run fewer processes",
  "25006": "it is read-only (a standby?); check which server DATABASE_URL names",
  "57014": "a statement took too long",
  "57P01": "it is shutting down",
  "57P02": "it is recovering from a crash",
  "57P03": "it is starting up",
};
/** Wrong credentials and names: those that a start must not wait for. */
const LASTING_STATES: readonly string[] = ["28P01", "28000", "3D000"];
const LOST = /Connection terminated|connection timeout|timeout exceeded|Query read timeout|Client has encountered/i;

/** A statement that this connection had prepared fits the schema no more, or a pooler gave us another connection. */
const UNPREPARED = /cached plan must not change result type|prepared statement .* does not exist/;

/** Turns failures of the connection into RecordUnavailable; everything else stays what it is. */
export function translate(error: unknown, place: Place): unknown {
  const code = codeOf(error);
  const why = NETWORK_CODES[code] ?? SQL_STATES[code];
  if (why !== undefined) return new RecordUnavailable(place, why, { lasting: LASTING_STATES.includes(code) });
  if (UNPREPARED.test(messageOf(error))) {
    return new RecordUnavailable(place, "its schema was just changed, or its pooler keeps no prepared statements");
  }
  if (/^(08|53|58)/.test(code) || LOST.test(messageOf(error))) {
    const why = code.startsWith("53") ? "it is out of memory, disk or connections" : lostWhy(code);
    return new RecordUnavailable(place, why);
  }
  return error;
}

function lostWhy(code: string): string {
  return code.startsWith("58") ? "its disk or files cannot be used" : "the connection was lost or not made in time";
}

/** Two transactions met; PostgreSQL rolled one back whole, so it may simply run again. */
export function isCollision(error: unknown): boolean {
  return ["40001", "40P01"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : "";
  return typeof code === "string" ? code : "";
}
