/** Alerts and faults: what was accepted is in the record, and every fault led to exactly one remediation. */
import type { SnapshotRemediation } from "../../record/snapshot.ts";
import type { Facts } from "./facts.ts";
import { about, byId, count, unowned } from "./common.ts";
import type { Checked, Exception } from "./reconcile.ts";

export function checkAlerts({ record, world }: Facts): Checked {
  const rows = new Map(record.alerts.map((row) => [`${row.status} ${row.faultKey}`, row]));
  const accepted = Map.groupBy(world.accepted ?? [], ({ status, faultKey }) => `${status} ${faultKey}`);
  const exceptions: Exception[] = [];
  for (const [fact, all] of accepted) {
    const times = rows.get(fact)?.times ?? 0;
    if (times >= all.length) continue;
    const said = times === 0 ? "the record does not have it" : `the record has it ${times} times`;
    exceptions.push(unowned("lost", `${all[0]?.target} ${fact}`, `accepted ${all.length} times, but ${said}`));
  }
  for (const row of record.alerts.filter(({ disposition }) => disposition === "received")) {
    const what = `${row.target?.id ?? "unknown target"} ${row.status} ${row.faultKey}`;
    exceptions.push(unowned("leftBehind", what, "received, but no workflow was told of it"));
  }
  const taken = world.accepted === null ? "" : `${count(world.accepted.length, "alert")} accepted, `;
  const times = record.alerts.reduce((sum, row) => sum + row.times, 0);
  const figures = `${taken}${times} in the record: ${count(rows.size, "fact")} and ${times - rows.size} repeats`;
  return { check: "alerts", figures, exceptions };
}

export function checkFaults({ record, reopenAfterMs }: Facts): Checked {
  const faults = record.alerts.filter(({ status, disposition }) => status === "firing" && disposition === "delivered");
  const remediations = byId(record);
  const opened = Map.groupBy(
    record.remediations.flatMap((one) => one.openedFor.map((faultKey) => ({ faultKey, one }))),
    ({ faultKey }) => faultKey,
  );
  const exceptions = faults.flatMap(({ faultKey, target, remediationId }): Exception[] => {
    const all = (opened.get(faultKey) ?? []).map(({ one }) => one);
    const doubled = all.filter((one, index) => !mayFollow(one, all[index - 1], reopenAfterMs));
    if (doubled.length > 0) {
      const ids = all.map((one) => one.remediationId).join(", ");
      return doubled.map((one) => about("doubled", one, `opened for a fault that had one already: ${ids}`));
    }
    if (remediationId !== null && remediations.has(remediationId)) return [];
    return [unowned("lost", `${target?.id ?? "unknown target"} ${faultKey}`, "delivered, but no remediation has it")];
  });
  const again = [...opened.values()].reduce((sum, all) => sum + all.length - 1, 0);
  const reopened = again === 0 ? "" : `, ${again} of them for a fault that went on after its re-open time`;
  const figures = `${count(faults.length, "fault")}, ${count(record.remediations.length, "remediation")}`;
  return { check: "faults", figures: exceptions.length === 0 ? figures + reopened : figures, exceptions };
}

/** The first of a fault, or one that was opened when the decision of the one before it did not count any more. */
function mayFollow(
  one: SnapshotRemediation,
  before: SnapshotRemediation | undefined,
  reopenAfterMs: Facts["reopenAfterMs"],
): boolean {
  if (before === undefined) return true;
  if (before.closedAt === null) return false;
  const reopenMs = reopenAfterMs.get(before.runbook ?? "") ?? Infinity;
  return Date.parse(one.openedAt) - Date.parse(before.closedAt) >= reopenMs;
}
