/**
 * What a person says of a remediation that nobody works on any more: that its workflow has ended (so that it is settled
 * and closed), or, of a closed one, that its leases may go because somebody has looked.
 */
import { randomUUID } from "node:crypto";
import type { RecordStore, RemediationRow } from "../record/api.ts";
import type { TargetRef } from "../contracts/target.ts";
import { findRemediation } from "./decisions.ts";
import { ProblemError, throughRecord } from "./problems.ts";
import type { Remediations } from "./remediations.ts";

export interface RecoveryAnswer {
  remediationId: string;
  target: { kind: string; id: string };
  /** Of `release-leases`: what was released. */
  scopes: string[];
}

export interface RecoveryDependencies {
  record: Pick<RecordStore, "find" | "leases" | "releaseLeases" | "append" | "leftOut">;
  remediations: Pick<Remediations, "recover" | "run">;
}

/** Starts the target's workflow with the order. 409 when the remediation is closed, or its workflow runs. */
export async function recover(deps: RecoveryDependencies, id: string, by: string): Promise<RecoveryAnswer> {
  const row = await findRemediation(deps.record, id);
  const { remediationId, target, workflowId, runId } = row;
  if (row.closedAt !== null) {
    throw conflict(`${nameOf(row)} is closed already: ${row.outcome}. Leases it may hold: release-leases`);
  }
  const own = await deps.remediations.run(workflowId, runId);
  if (own.state === "running") {
    throw conflict(`the workflow of ${nameOf(row)} runs (phase ${row.phase}): cancel it instead`);
  }
  await throughRecord("write down who asked", () =>
    deps.record.append(remediationId, `asked:${randomUUID()}`, "asked", { what: "recover", by }),
  );
  await deps.remediations.recover(target, { remediationId, by });
  return { remediationId, target, scopes: [] };
}

/** Of a closed remediation, because a person has looked at what nobody knew. 409 when it is open or holds none. */
export async function releaseLeases(
  deps: RecoveryDependencies,
  id: string,
  by: string,
  reason: string,
): Promise<RecoveryAnswer> {
  const row = await findRemediation(deps.record, id);
  const { remediationId, target } = row;
  if (row.closedAt === null) {
    throw conflict(`${nameOf(row)} is open (phase ${row.phase}): its leases go when it closes; cancel or recover it`);
  }
  const held = await throughRecord("read the leases", () => deps.record.leases());
  const scopes = held.filter((lease) => lease.remediationId === remediationId).map((lease) => lease.scope);
  if (scopes.length === 0) throw conflict(`${nameOf(row)} holds no leases${await othersOf(deps, target)}`);
  await throughRecord("release the leases", () => deps.record.releaseLeases(remediationId, by, reason));
  return { remediationId, target, scopes };
}

/** The target's name means its newest remediation; an older one may be meant. */
async function othersOf({ record }: RecoveryDependencies, target: TargetRef): Promise<string> {
  const left = await throughRecord("read who is left out", () => record.leftOut());
  const ids = left
    .filter((one) => one.target.kind === target.kind && one.target.id === target.id)
    .map((one) => one.remediationId);
  return ids.length === 0 ? "" : `; of this target ${ids.join(", ")} ${ids.length === 1 ? "does" : "do"}`;
}

function nameOf({ remediationId, target }: RemediationRow): string {
  return `remediation ${remediationId} of ${target.kind}/${target.id}`;
}

function conflict(detail: string): ProblemError {
  return new ProblemError({ status: 409, slug: "not-taken", title: "Nothing was done", detail });
}
