/** Remediations as text for people. What comes from outside is printed without control characters. */
import { duration, plain } from "../contracts/text.ts";
import { spelled } from "../contracts/remediation.ts";
import type { ChangeEvent } from "../starters/http/events.ts";
import type { ListedRemediation } from "../starters/http/remediations.ts";
import type { Held } from "../starters/story/held.ts";
import { table } from "./output.ts";

export function listText(rows: readonly ListedRemediation[], now: number): string {
  if (rows.length === 0) return "no remediations match";
  const cells = rows.map((row) => [
    row.remediationId.slice(0, 13),
    plain(`${row.target.kind}/${row.target.id}`),
    plain(row.runbook ?? "-"),
    row.phase,
    `${row.outcome ?? "-"}${row.needsHuman ? " (a person!)" : ""}`,
    ago(row.openedAt, now),
    short(plain(row.outcome === null ? row.doing : row.detail), 70),
  ]);
  return table(["ID", "TARGET", "RUNBOOK", "PHASE", "OUTCOME", "AGE", "DOING"], cells);
}

/** `10:00:00 01900000-0000 host/web-1 act: loadbalancer.drain` */
export function changeLine({ at, kind, remediation }: ChangeEvent): string {
  const { remediationId, target, phase, doing, outcome, detail } = remediation;
  const state = outcome === null ? `${phase}: ${doing}` : `${outcome}: ${detail}`;
  return plain(`${at} ${remediationId.slice(0, 13)} ${target.kind}/${target.id} ${kind}, ${short(state, 100)}`);
}

export function heldText(remediationId: string, { by, since, reason, at, about, commands }: Held): string {
  const why = reason === "" ? "" : `: ${reason}`;
  return [
    plain(`held by ${by} since ${since}${why}; it stands at ${at} (${about}). Commands now:`),
    ...commands.map((command) => plain(`  selfheal remediation ${spelled(command)} ${remediationId} --by "${by}"`)),
  ].join("\n");
}

export function short(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

export function ago(at: string, now: number): string {
  return duration(now - Date.parse(at));
}
