/**
 * What people do to the automation as a whole: the rows that are in force, against the entries of the chain `control`. A
 * page of rows at a time, so that years of pauses cost no memory.
 */
import { sql } from "kysely";
import type { Json, JsonObject } from "../../contracts/json.ts";
import { CONTROL_CHAIN } from "../audit.ts";
import { canonicalJson } from "../canonical.ts";
import type { Session } from "../pool.ts";
import type { Fault } from "./chain.ts";

interface Ending {
  /** The time that says that it is over. */
  at: string;
  /** Prefix of its entry's key; the row's id follows. */
  key: string;
  /** Column to field of the entry. */
  same?: Record<string, string>;
}

interface Controlled {
  table: string;
  /** Kind of the entry that began it, and the prefix of its key. */
  kind: string;
  key: string;
  same: Record<string, string>;
  endings: Ending[];
}

const CONTROLLED: readonly Controlled[] = [
  {
    ...{ table: "pauses", kind: "paused", key: "pause" },
    same: { scope: "scope", reason: "reason", by_person: "by", until_at: "until" },
    endings: [{ at: "resumed_at", key: "resume" }],
  },
  {
    ...{ table: "modes", kind: "modeSet", key: "mode" },
    same: {
      ...{ scope: "scope", mode: "mode", declared: "declared" },
      runbook_hash: "runbookHash",
      by_person: "by",
      reason: "reason",
    },
    endings: [],
  },
  {
    ...{ table: "windows", kind: "windowOpened", key: "window" },
    same: { kind: "kind", scope: "scope", reason: "reason", by_person: "by", from_at: "from", until_at: "until" },
    endings: [{ at: "closed_at", key: "windowClosed", same: { closed_by: "by" } }],
  },
  {
    ...{ table: "standing_approvals", kind: "standingGranted", key: "standing" },
    same: {
      ...{ runbook: "runbook", runbook_hash: "runbookHash", group_name: "group", by_person: "by" },
      ...{ expires_at: "expiresAt", max_count: "maxCount" },
    },
    endings: [
      { at: "withdrawn_at", key: "withdrawn", same: { withdrawn_by: "by" } },
      { at: "lapsed_at", key: "lapsed" },
    ],
  },
  {
    ...{ table: "breakers", kind: "breakerTripped", key: "tripped" },
    same: { kind: "kind", scope: "scope", reason: "reason" },
    endings: [{ at: "reset_at", key: "reset", same: { reset_by: "by", reset_reason: "reason", reset_how: "how" } }],
  },
  {
    ...{ table: "attestations", kind: "attested", key: "attestation" },
    same: {
      ...{ runbook: "runbook", runbook_hash: "runbookHash", kind: "kind" },
      ...{ passed: "passed", summary: "summary", by_person: "by" },
    },
    endings: [],
  },
  {
    ...{ table: "api_tokens", kind: "tokenCreated", key: "apiToken" },
    same: {
      ...{ name: "name", subject: "subject", secret_hash: "secretHash", roles: "roles", groups: "groups" },
      ...{ created_by: "by", expires_at: "expiresAt" },
    },
    endings: [{ at: "revoked_at", key: "apiTokenRevoked", same: { revoked_by: "by" } }],
  },
];

const PAGE = 500;

interface Found {
  id: string;
  row: JsonObject;
  seq: number | null;
  body: JsonObject | null;
  endings: ({ seq: number; body: JsonObject } | null)[];
}

export async function* controlRowFaults(db: Session): AsyncGenerator<Fault> {
  for (const what of CONTROLLED) {
    let after = "";
    for (;;) {
      const page = await pageOf(db, what, after);
      for (const found of page) yield* faultsOf(what, found);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      after = last.id;
    }
    yield* withoutRow(db, what);
  }
  yield* activeCatalogue(db);
  yield* keptReports(db);
}

async function pageOf(db: Session, { table, key, endings }: Controlled, after: string): Promise<Found[]> {
  const entry = (prefix: string) => sql`
    (select json_build_object('seq', seq, 'body', body) from audit
      where chain = ${CONTROL_CHAIN} and key = ${`${prefix}:`} || t.id)`;
  const ends = endings.map(({ key: prefix }) => entry(prefix));
  const found = await sql<Omit<Found, "seq" | "body"> & { begun: { seq: number; body: JsonObject } | null }>`
    select t.id, to_jsonb(t) as row, ${entry(key)} as begun,
           json_build_array(${sql.join(ends)}) as endings
      from ${sql.table(table)} t where t.id > ${after} order by t.id limit ${PAGE}`.execute(db);
  return found.rows.map(({ begun, ...rest }) => ({ ...rest, seq: begun?.seq ?? null, body: begun?.body ?? null }));
}

function faultsOf({ table, same, endings }: Controlled, { id, row, seq, body, endings: ends }: Found): Fault[] {
  const what = `${id} in ${table}`;
  if (body === null) return [fault(null, `${what} stands in the record, but no entry of the chain tells of it`)];
  const faults = differences(what, row, same, { seq, body });
  for (const [index, { at, same: fields = {} }] of endings.entries()) {
    const ended = ends[index] ?? null;
    const over = row[at] ?? null;
    if (over !== null && ended === null)
      faults.push(fault(seq, `${what} has ${at} ${JSON.stringify(over)}, but no entry says so`));
    else if (over === null && ended !== null) {
      faults.push(fault(ended.seq, `${what} has no ${at}, but entry ${ended.seq} says that it is over`));
    } else if (ended !== null) faults.push(...differences(what, row, fields, ended));
  }
  return faults;
}

function differences(
  what: string,
  row: JsonObject,
  same: Record<string, string>,
  { seq, body }: { seq: number | null; body: JsonObject },
): Fault[] {
  return Object.entries(same).flatMap(([column, field]) => {
    const [stands, said] = [row[column] ?? null, body[field] ?? null];
    if (isSame(column, stands, said)) return [];
    const [there, told] = [JSON.stringify(stands), JSON.stringify(said)];
    return [fault(seq, `${what} has ${column} ${there}, but entry ${seq} says ${told}`)];
  });
}

/** The database writes times in another form. */
function isSame(column: string, stands: Json, said: Json): boolean {
  if (column.endsWith("_at") && typeof stands === "string" && typeof said === "string") {
    return Date.parse(stands) === Date.parse(said);
  }
  return canonicalJson(stands) === canonicalJson(said);
}

/** A word that sets a mode back to what the files say has no row. */
async function* withoutRow(db: Session, { table, kind, key }: Controlled): AsyncGenerator<Fault> {
  const found = await sql<{ seq: number; id: string }>`
    select a.seq, a.body ->> 'id' as id from audit a
     where a.chain = ${CONTROL_CHAIN} and a.kind = ${kind} and a.key like ${`${key}:%`}
       and not (a.kind = 'modeSet' and a.body ->> 'mode' is null)
       and not exists (select 1 from ${sql.table(table)} t where t.id = a.body ->> 'id')
     order by a.seq limit ${PAGE}`.execute(db);
  for (const { seq, id } of found.rows)
    yield fault(seq, `${id} is told of by entry ${seq}, but its row in ${table} is gone`);
}

async function* activeCatalogue(db: Session): AsyncGenerator<Fault> {
  const found = await sql<{ version: string | null; seq: number | null; told: string | null }>`
    select (select version from catalogue_active) as version, a.seq, a.body ->> 'version' as told
      from (select 1) one left join lateral (
        select seq, body from audit where chain = ${CONTROL_CHAIN} and kind = 'catalogueActivated'
         order by seq desc limit 1) a on true`.execute(db);
  const row = found.rows[0];
  if (row === undefined || row.version === row.told) return;
  yield fault(row.seq, `the active catalogue is ${row.version}, but the chain says ${row.told}`);
}

/** Their text was hashed when they were made. */
async function* keptReports(db: Session): AsyncGenerator<Fault> {
  const found = await sql<{ period: string; seq: number | null; gone: boolean }>`
    select coalesce(r.period, a.body ->> 'period') as period, a.seq, r.period is null as gone
      from reports r
      full join (select seq, body from audit where chain = ${CONTROL_CHAIN} and kind = 'report') a
             on a.body ->> 'period' = r.period
     where r.period is null or a.seq is null
        or a.body ->> 'markdownSha256' <> encode(sha256(convert_to(r.markdown, 'UTF8')), 'hex')
        or a.body ->> 'csvSha256' <> encode(sha256(convert_to(r.csv, 'UTF8')), 'hex')
     order by 1 limit ${PAGE}`.execute(db);
  for (const { period, seq, gone } of found.rows) {
    const what = `the report of ${period}`;
    if (seq === null) yield fault(null, `${what} stands in the record, but no entry of the chain tells of it`);
    else if (gone) yield fault(seq, `${what} is told of by entry ${seq}, but its row in reports is gone`);
    else yield fault(seq, `${what} has another text than entry ${seq} says`);
  }
}

function fault(seq: number | null, detail: string): Fault {
  return { code: "row", seq, detail };
}
