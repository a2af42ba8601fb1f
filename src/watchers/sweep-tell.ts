/**
 * Tells people of a finding, once. What belongs to one remediation becomes an escalation of it, so that its story shows
 * it and an unsent one is tried again; many of one kind at once are one message.
 */
import { messageOf } from "../config/user-error.ts";
import type { Route } from "../contracts/route.ts";
import type { Message, NotifyPort } from "../ports/ports.ts";
import type { RecordStore } from "../record/api.ts";
import type { FindingRow, SweepRecord, UnsentEscalation } from "../record/api-sweep.ts";
import { nameOf, some, type Candidate } from "./sweep-finding.ts";

export interface TellDependencies {
  record: Pick<RecordStore, "escalation" | "escalationSent"> & Pick<SweepRecord, "findingsTold">;
  notify: NotifyPort;
}

/** More of one code than this become one message. */
const MOST_SINGLE = 5;

/** Answers what could not be told. `rows` is the record's word on what is there; `candidates` says how patient to be. */
export async function tellPeople(
  deps: TellDependencies,
  rows: FindingRow[],
  candidates: Candidate[],
): Promise<string[]> {
  const patience = new Map(candidates.map((one) => [one.key, one.tellAfterMs]));
  const due = rows.filter((row) => {
    const after = patience.get(row.key) ?? null;
    const thereMs = Date.parse(row.lastSeenAt) - Date.parse(row.firstSeenAt);
    return row.toldAt === null && row.tellDue && after !== null && thereMs >= after;
  });
  const failures: string[] = [];
  for (const [code, group] of Map.groupBy(due, (row) => row.code)) {
    const messages = group.length > MOST_SINGLE ? [group] : group.map((row) => [row]);
    for (const message of messages) {
      const failure = await tell(deps, code, message);
      if (failure !== null) failures.push(failure);
    }
  }
  return failures;
}

async function tell(deps: TellDependencies, code: string, rows: FindingRow[]): Promise<string | null> {
  const [first] = rows;
  if (first === undefined) return null;
  const keys = rows.map((row) => row.key);
  const remediationId = rows.length === 1 ? first.ids["remediationId"] : undefined;
  try {
    if (remediationId === undefined) await deps.notify.send(messageOfAll(code, first, rows));
    else await escalate(deps, remediationId, first);
    await deps.record.findingsTold(keys, null);
    return null;
  } catch (error) {
    await deps.record.findingsTold(keys, messageOf(error));
    return `${code}: people could not be told: ${messageOf(error)}`;
  }
}

function messageOfAll(code: string, first: FindingRow, rows: FindingRow[]) {
  const about = rows.map((row) => row.ids["target"] ?? row.ids["workflowId"] ?? row.key);
  const title = rows.length === 1 ? `selfheal: ${code}` : `selfheal: ${rows.length} times ${code}: ${some(about)}`;
  const text = `${first.sentence}${doneOf(first)}. Next: ${rows.length === 1 ? first.next : "selfheal doctor"}`;
  return { key: `sweep/${first.key}/${first.firstSeenAt}`, route: routeOf(first), title, text };
}

/** The escalation stands even when it is not sent: then the sweeper tries again, as with everybody's. */
async function escalate(deps: TellDependencies, remediationId: string, row: FindingRow): Promise<void> {
  // Of this time: one that went away and came again rings anew, and no receiver takes it for the message before.
  const key = `sweep/${row.firstSeenAt}/${row.key}`;
  const title = `${row.ids["target"] ?? remediationId}: ${row.code}`;
  const text = `${row.sentence}${doneOf(row)}. ${row.next}`;
  const told = { remediationId, key, route: routeOf(row), title, text };
  const stands = await deps.record.escalation({ remediationId, key, route: told.route, summary: `${title}: ${text}` });
  if (stands !== "sent") await send(deps, { ...told, again: stands === "unsent" }).catch(() => undefined);
}

/** Sends again what was recorded; the same key lets a receiver drop what came through after all. */
export async function sendAgain(deps: TellDependencies, one: UnsentEscalation): Promise<void> {
  const { remediationId, key, summary, target, at } = one;
  const title = `${nameOf(target)}: of ${at}, sent late`;
  await send(deps, { remediationId, key, route: one.route as Route, title, text: summary, again: true });
}

async function send({ record, notify }: TellDependencies, message: Required<Message>): Promise<void> {
  const { remediationId, key } = message;
  try {
    await notify.send({ ...message, key: `${remediationId}/${key}` });
  } catch (error) {
    await record.escalationSent(remediationId, key, messageOf(error));
    throw error;
  }
  await record.escalationSent(remediationId, key, null);
}

function routeOf(row: FindingRow): Route {
  return row.severity === "page" ? "page" : "message";
}

function doneOf(row: FindingRow): string {
  return row.done === null ? "" : `; ${row.done}`;
}
