/** Pauses, queue, breakers and targets out of service as text for people. */
import type { BreakerKind, Pause } from "../contracts/facts.ts";
import { plain } from "../contracts/text.ts";
import type { BreakerRow, LeftOut, QueueRow } from "../record/api-guards.ts";
import { table } from "./output.ts";
import { ago } from "./remediation-text.ts";

export function pausesText(pauses: readonly Pause[], now: number): string {
  if (pauses.length === 0) return "nothing is paused";
  const rows = pauses.map(({ id, scope, by, at, until, reason }) =>
    [id.slice(0, 13), scope, by, ago(at, now), until ?? "until resumed", reason].map(plain),
  );
  return table(["ID", "SCOPE", "BY", "SINCE", "UNTIL", "REASON"], rows);
}

export function queueText(queue: readonly QueueRow[], now: number): string {
  if (queue.length === 0) return "nobody waits";
  return queue.map((row) => waiterText(row, now)).join("\n");
}

function waiterText(row: QueueRow, now: number): string {
  const { position, target, runbook, severity, since, remediationId, detail, until, caps, pauses } = row;
  const head = `${position}. ${target.kind}/${target.id} (${runbook ?? "no runbook"}, ${severity}), since ${ago(since, now)}: ${remediationId}`;
  const why = `   ${detail}${untilText(until)}`;
  const held = caps
    .filter(({ max, holders }) => holders.length >= max)
    .map(({ scope, max, holders }) => {
      const names = holders.map((one) => `${one.target.kind}/${one.target.id}${STATES[one.state]}`).join(", ");
      return `   ${scope} (at most ${max}) is held by ${names === "" ? "nobody" : names}`;
    });
  const paused = pauses.map((one) => `   ${one.scope} is paused by ${one.by}: ${one.reason}${untilText(one.until)}`);
  return [head, why, ...paused, ...held].map(plain).join("\n");
}

function untilText(until: string | null): string {
  return until === null ? "" : `, until ${until}`;
}

const STATES = { held: "", orphaned: " (orphaned)", leftOut: " (left out of service)" };

export const BREAKER_NAMES: Record<BreakerKind, string> = {
  storm: "storm",
  errorBudget: "error budget",
  correlation: "correlation",
};

export function breakersText(breakers: readonly BreakerRow[], now: number): string {
  if (breakers.length === 0) return "no breaker is open";
  const rows = breakers.map(({ scope, kind, trippedAt, waiting, reason }) =>
    [scope, BREAKER_NAMES[kind], ago(trippedAt, now), String(waiting), reason].map(plain),
  );
  return table(["SCOPE", "KIND", "TRIPPED", "WAITING", "WHY"], rows);
}

const STATE_NAMES: Record<LeftOut["state"], string> = { leftOut: "left out", orphaned: "not known" };

export function leftOutText(leftOut: readonly LeftOut[], now: number): string {
  if (leftOut.length === 0) return "no target was left out of service";
  const rows = leftOut.map(({ target, group, state, since, remediationId, detail }) => {
    const id = remediationId.slice(0, 13);
    const why = state === "leftOut" ? detail : `look, then \`remediation release-leases ${id}\`: ${detail}`;
    return [`${target.kind}/${target.id}`, group, STATE_NAMES[state], ago(since, now), id, why].map(plain);
  });
  return table(["TARGET", "GROUP", "STATE", "SINCE", "REMEDIATION", "WHY"], rows);
}
