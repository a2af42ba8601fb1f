/** Remediations and their workflows agree about who is at work; what needs a person was told to one. */
import type { SnapshotRemediation } from "../../record/snapshot.ts";
import type { Facts, TemporalFacts } from "./facts.ts";
import { about, count, isHealthyEnd, tally, unowned } from "./common.ts";
import type { Checked, Exception } from "./reconcile.ts";

export function checkRemediations({ record, temporal }: Facts): Checked {
  const open = new Set(record.remediations.filter(({ closedAt }) => closedAt === null).map((one) => one.workflowId));
  const exceptions = record.remediations.flatMap((one) => stateOf(one, temporal, open));
  for (const { workflowId } of temporal.running) {
    if (open.has(workflowId)) continue;
    const sentence = "its workflow runs, but the record has no open remediation for it";
    exceptions.push(unowned("leftBehind", workflowId, sentence));
  }
  const outcomes = tally(record.remediations.map(({ outcome }) => outcome ?? "open"));
  const states = tally(
    [...temporal.workflows.values()].map((seen) => (seen.state === "closed" ? seen.how : seen.state)),
  );
  const figures = `${record.remediations.length}: ${outcomes}; workflows: ${states.toLowerCase()}`;
  return { check: "remediations", figures, exceptions };
}

function stateOf(one: SnapshotRemediation, { workflows }: TemporalFacts, open: ReadonlySet<string>): Exception[] {
  const seen = workflows.get(one.workflowId) ?? { state: "notFound" as const };
  const workflow = seen.state === "closed" ? `is ${seen.how}` : seen.state === "running" ? "runs" : "is not there";
  if (one.closedAt === null) {
    const kind = seen.state === "running" ? "leftBehind" : "lost";
    return [about(kind, one, `still open (${one.phase}: ${one.doing}); its workflow ${workflow}`)];
  }
  const ended = seen.state === "closed" && seen.how === "COMPLETED";
  // The workflow of a target serves one remediation after the other.
  if (!ended && !open.has(one.workflowId)) return [about("leftBehind", one, `closed, but its workflow ${workflow}`)];
  if (isHealthyEnd(one)) return [];
  return [about("person", one, `${one.outcome}: ${one.detail}`)];
}

export function checkChains({ record }: Facts): Checked {
  const exceptions = record.remediations.flatMap((one) =>
    one.brokenChain === null ? [] : [about("lost", one, `its audit chain is broken: ${one.brokenChain}`)],
  );
  const figures = `${count(record.remediations.length, "audit chain")} followed to the head`;
  return { check: "stories", figures, exceptions };
}

export function checkPeople({ record }: Facts): Checked {
  const told = Map.groupBy(record.escalations, ({ remediationId }) => remediationId);
  const needy = record.remediations.filter(({ needsHuman }) => needsHuman);
  const exceptions = needy.flatMap((one): Exception[] => {
    const all = told.get(one.remediationId) ?? [];
    if (all.some(({ sentAt }) => sentAt !== null)) return [];
    const why = all.length === 0 ? "nobody was told" : `the message did not go out: ${all[0]?.error ?? "not tried"}`;
    return [about("leftBehind", one, `needs a person, but ${why}`)];
  });
  const sent = record.escalations.filter(({ sentAt }) => sentAt !== null).length;
  const figures = `${needy.length} left to a person; ${sent} of ${count(record.escalations.length, "message")} sent`;
  return { check: "people", figures, exceptions };
}
