/** Windows that people and pipelines open by hand. Audited in the chain `control`. */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { OpenWindow } from "../contracts/surroundings.ts";
import type { Telling, WindowWish } from "./api-surroundings.ts";
import { appendAudit, appendControl } from "./audit.ts";
import { readNow } from "./clock.ts";
import { RecordConflict } from "./errors.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { mayAskAgain } from "./queue.ts";

/** Of every query that answers windows. */
export const WINDOW = sql`w.id, w.kind, w.scope, w.reason, w.by_person as by, w.from_at as "from", w.until_at as until`;

export async function openWindow(db: Database, wish: WindowWish): Promise<OpenWindow> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    const { kind, scope, needs, reason, by, from, until } = wish;
    const now = await readNow(tx);
    const begins = from ?? now;
    if (Date.parse(until) <= Date.parse(begins) || Date.parse(until) <= Date.parse(now)) {
      throw new RecordConflict(`a window from ${begins} until ${until} would be over before it begins; it is ${now}`);
    }
    const known = await sql<OpenWindow>`
      select ${WINDOW} from windows w
       where closed_at is null and kind = ${kind} and scope = ${scope} and reason = ${reason} and by_person = ${by}
         and until_at = ${until} and (${from}::text is null or from_at = ${begins}) and until_at > selfheal_now()
       limit 1`.execute(tx);
    if (known.rows[0] !== undefined) return known.rows[0];
    const id = randomUUID();
    const made = await sql<OpenWindow>`
      insert into windows as w (id, kind, scope, needs, reason, by_person, from_at, until_at, opened_at)
      values (${id}, ${kind}, ${scope}, ${needs}::text[], ${reason}, ${by}, ${begins}, ${until}, selfheal_now())
      returning ${WINDOW}`.execute(tx);
    const body = { id, kind, scope, reason, by, from: begins, until };
    await appendControl(tx, { key: `window:${id}`, kind: "windowOpened", body });
    return made.rows[0] as OpenWindow;
  });
}

export async function closeWindows(db: Database, ids: readonly string[], by: string): Promise<OpenWindow[]> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    const closed = await sql<OpenWindow>`
      update windows w set closed_at = selfheal_now(), closed_by = ${by}
       where id = any(${[...ids]}::text[]) and closed_at is null and until_at > selfheal_now()
      returning ${WINDOW}`.execute(tx);
    for (const { id, scope } of closed.rows) {
      const body = { id, scope, by };
      await appendControl(tx, { key: `windowClosed:${id}`, kind: "windowClosed", body });
      await sql`update escalations set not_before = selfheal_now() where held_for = ${id} and sent_at is null`.execute(
        tx,
      );
    }
    await mayAskAgain(
      tx,
      closed.rows.map(({ id }) => `window:${id}`),
    );
    return closed.rows;
  });
}

export async function openWindows(db: Session): Promise<OpenWindow[]> {
  const found = await sql<OpenWindow>`
    select ${WINDOW} from windows w where closed_at is null and until_at > selfheal_now()
     order by from_at, id`.execute(db);
  return found.rows;
}

export async function telling(db: Session, remediationId: string): Promise<Telling | null> {
  const found = await sql<Omit<Telling, "target"> & { kind: string; id: string }>`
    select r.target_kind as kind, r.target_id as id, r.pause_scopes as scopes, selfheal_iso(selfheal_now()) as now,
           exists (select 1 from effects e where e.remediation_id = r.remediation_id) as acted,
           coalesce((select json_agg(json_build_object('id', w.id, 'kind', w.kind, 'scope', w.scope, 'reason', w.reason,
                       'by', w.by_person, 'from', selfheal_iso(w.from_at), 'until', selfheal_iso(w.until_at)))
             from windows w where w.closed_at is null and w.until_at > selfheal_now()), '[]') as windows
      from remediations r where r.remediation_id = ${remediationId}`.execute(db);
  const row = found.rows[0];
  if (row === undefined) return null;
  const { kind, id, ...rest } = row;
  return { ...rest, target: { kind, id } };
}

export async function holdEscalation(
  db: Database,
  remediationId: string,
  key: string,
  until: string,
  window: string,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const held = await sql`
      update escalations set not_before = ${until}, held_for = ${window}
       where remediation_id = ${remediationId} and key = ${key} and sent_at is null returning key`.execute(tx);
    if (held.rows.length === 0) return;
    const body = { key, until, window };
    await appendAudit(tx, { chain: remediationId, key: `escalationHeld:${key}`, kind: "escalationHeld", body });
  });
}
