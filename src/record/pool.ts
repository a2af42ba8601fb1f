/** Connections: bounded in number and time, typed errors, times as ISO strings. */
import { createHash } from "node:crypto";
import { Kysely, type PostgresPool, PostgresDialect, type PostgresPoolClient, type Transaction } from "kysely";
import pg from "pg";
import { isCollision, type Place, placeOf, RecordUnavailable, translate } from "./errors.ts";
import type { Tables } from "./tables.ts";

export interface PoolOptions {
  /** Connections at most; default 10. A process needs no more than it has calls at once. */
  poolSize?: number;
  /** Longest wait for a connection, a free one of the pool or a new one; default 5,000. */
  connectTimeoutMs?: number;
  /** Longest run of one statement; default 15,000. */
  statementTimeoutMs?: number;
  /** Shown in pg_stat_activity; default `selfheal`. */
  applicationName?: string;
}

export type Database = Kysely<Tables>;
/** What the record's functions work on: the pool, or the transaction that the caller is in. */
export type Session = Database | Transaction<Tables>;

const TIMESTAMPTZ = 1184;
const INT8 = 20;
const CONNECT_TIMEOUT_MS = 5_000;
const COLLISION_ATTEMPTS = 5;
/** The record's statements are about 250. */
const NAMED_AT_MOST = 500;

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: "text" | "binary"): ((text: string) => unknown) => {
    if (oid === TIMESTAMPTZ) return (text) => new Date(text).toISOString();
    if (oid === INT8) return Number;
    return pg.types.getTypeParser(oid, format) as (text: string) => unknown;
  },
};

export function openDatabase(databaseUrl: string, options: PoolOptions = {}): Database {
  const place = placeOf(databaseUrl);
  const statementTimeoutMs = options.statementTimeoutMs ?? 15_000;
  const pool = makePool(databaseUrl, place, {
    types,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: options.applicationName ?? "selfheal",
    statement_timeout: statementTimeoutMs,
    // A little after the server's own limit: only a dead connection gets here.
    query_timeout: statementTimeoutMs + 5_000,
    idle_in_transaction_session_timeout: 60_000,
    // The type parser above reads this form.
    options: "-c datestyle=ISO -c timezone=UTC",
  });
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: guarded(pool, place) }) });
}

function makePool(databaseUrl: string, place: Place, config: pg.PoolConfig): pg.Pool {
  if (!/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new RecordUnavailable(place, "DATABASE_URL must look like postgres://USER:PASSWORD@HOST:PORT/DATABASE", {
      lasting: true,
    });
  }
  try {
    // Only a client reads the URL at once; the pool would wait for the first connection.
    new pg.Client(databaseUrl);
    const pool = new pg.Pool({ connectionString: databaseUrl, ...config });
    // An idle connection that breaks is simply gone; without a listener it would end the process.
    pool.on("error", () => undefined);
    pool.on("connect", (client) => client.on("error", () => undefined));
    return pool;
  } catch {
    // The parser's error quotes the URL.
    throw new RecordUnavailable(place, "DATABASE_URL cannot be read as a URL", { lasting: true });
  }
}

/** The pool as kysely uses it, with every error translated on its way out. */
function guarded(pool: pg.Pool, place: Place): PostgresPool {
  const wrapped = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      // pg's own types and kysely's view of them differ only in what we do not use.
      const client = await pool.connect().catch((error: unknown) => {
        throw translate(error, place);
      });
      const known = wrapped.get(client);
      if (known !== undefined) return known;
      const guard = guardClient(client, place);
      wrapped.set(client, guard);
      return guard;
    },
  };
}

function guardClient(client: pg.PoolClient, place: Place): PostgresPoolClient {
  let broken = false;
  const query = async (text: string, parameters: readonly unknown[]) => {
    try {
      return await client.query({ name: statementName(text), text, values: parameters.map(withoutNul) });
    } catch (error) {
      const translated = translate(error, place);
      broken ||= translated instanceof RecordUnavailable;
      throw translated;
    }
  };
  const release = (destroy?: boolean) => {
    client.release(destroy === true || broken);
  };
  return { query, release } as unknown as PostgresPoolClient;
}

const names = new Map<string, string>();

/**
 * A named statement is parsed once by each connection, and planned a few times only. Statements whose text grows with
 * what they carry (a list of rows) would fill the server's memory: past a bound they have no name. Named by their text,
 * because processes may share a connection behind a pooler.
 */
function statementName(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= NAMED_AT_MOST) return known;
  const name = `selfheal_${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;
  names.set(text, name);
  return name;
}

/** PostgreSQL's text holds every character but NUL; a hostile label must not make an alert unacceptable. */
function withoutNul(parameter: unknown): unknown {
  if (typeof parameter === "string") return parameter.includes("\0") ? parameter.replaceAll("\0", "\uFFFD") : parameter;
  return Array.isArray(parameter) ? parameter.map(withoutNul) : parameter;
}

/** One transaction; read committed, which the record's explicit locks are written for, whatever the server's default. */
export function inTransaction<T>(db: Database, work: (tx: Transaction<Tables>) => Promise<T>): Promise<T> {
  return pastCollisions(() => db.transaction().setIsolationLevel("read committed").execute(work));
}

/** Runs it again when PostgreSQL rolled it back because it met another; `work` must be safe to repeat. */
export async function pastCollisions<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isCollision(error) || attempt === COLLISION_ATTEMPTS) throw error;
    }
  }
}
