/** Books that agree: web-1 was healed, web-2 is left to a person and kept drained. Each test spoils one thing. */
import type { FaultKey } from "../../../src/contracts/alert.ts";
import { effectKey, workflowId } from "../../../src/contracts/ids.ts";
import type { Left, WorldChange } from "../../../src/cli/reconcile/facts.ts";
import type { EffectRow } from "../../../src/record/api-effects.ts";
import type { RecordSnapshot, SnapshotAlert, SnapshotRemediation } from "../../../src/record/snapshot.ts";
import type { SeenRun } from "../../../src/starters/runs.ts";
import { row } from "../support/story.ts";

export const at = (second: number): string => new Date(Date.UTC(2027, 0, 1) + second * 1_000).toISOString();
export const faultOf = (target: string): FaultKey => `f-${target}@${at(0)}` as FaultKey;
export const idOf = (target: string): string => `id-of-${target}`;
export const workflowOf = (target: string): string => workflowId({ kind: "host", id: target });
export const keyOf = (target: string, step: string): string =>
  effectKey({ remediationId: idOf(target), rung: "replace", step });

export function alert(target: string, changes: Partial<SnapshotAlert> = {}): SnapshotAlert {
  const ref = { kind: "host", id: target };
  const base = {
    faultKey: faultOf(target),
    status: "firing",
    target: ref,
    disposition: "delivered",
    times: 2,
  } as const;
  return { ...base, remediationId: idOf(target), ...changes };
}

export function remediation(target: string, changes: Partial<SnapshotRemediation> = {}): SnapshotRemediation {
  const { links: _, ...base } = row();
  return {
    ...base,
    remediationId: idOf(target),
    workflowId: workflowOf(target),
    target: { kind: "host", id: target },
    phase: "closed",
    outcome: "healed",
    openedAt: at(0),
    closedAt: at(100),
    openedFor: [faultOf(target)],
    caps: [{ scope: "group:web", max: 1, because: "10% of 10" }],
    brokenChain: null,
    ...changes,
  };
}

export function effect(target: string, step: string, action: string, changes: Partial<EffectRow> = {}): EffectRow {
  return {
    key: keyOf(target, step),
    remediationId: idOf(target),
    rung: "replace",
    step,
    action,
    direction: "apply",
    attempt: 1,
    state: "happened",
    request: {},
    result: {},
    detail: "",
    intentAt: at(2),
    settledAt: at(3),
    ...changes,
  };
}

export const change = (second: number, target: string, action: string, key: string | null = null): WorldChange => ({
  action,
  key,
  target,
  at: at(second),
});

const accepted = (target: string) => ({ faultKey: faultOf(target), status: "firing" as const, target });
const COMPLETED: SeenRun = { state: "closed", how: "COMPLETED", at: at(101) };

export type Books = ReturnType<typeof books>;

export function books() {
  const record: RecordSnapshot = {
    alerts: [alert("web-1"), alert("web-2")],
    remediations: [
      remediation("web-1"),
      remediation("web-2", {
        openedAt: at(101),
        closedAt: at(200),
        outcome: "escalated",
        needsHuman: true,
        detail: "the reinstall failed",
      }),
    ],
    effects: [
      effect("web-1", "drain", "loadbalancer.drain"),
      effect("web-1", "dc", "ticket.open"),
      effect("web-2", "drain", "loadbalancer.drain"),
      effect("web-2", "dc", "ticket.open"),
    ],
    leases: [],
    admissions: [
      {
        remediationId: idOf("web-1"),
        scopes: ["group:web", "target:host:web-1"],
        admittedAt: at(1),
        releasedAt: at(100),
      },
      {
        remediationId: idOf("web-2"),
        scopes: ["group:web", "target:host:web-2"],
        admittedAt: at(101),
        releasedAt: null,
      },
    ],
    queue: [],
    waits: [],
    escalations: [
      {
        remediationId: idOf("web-2"),
        route: "page",
        summary: "look",
        at: at(200),
        sentAt: at(201),
        keptUntil: null,
        error: null,
      },
    ],
  };
  const temporal = {
    workflows: new Map<string, SeenRun>([
      [workflowOf("web-1"), COMPLETED],
      [workflowOf("web-2"), COMPLETED],
    ]),
    running: [] as { workflowId: string; startedAt: string }[],
  };
  const world = {
    accepted: [accepted("web-1"), accepted("web-1"), accepted("web-2")],
    changes: [
      change(2, "web-1", "loadbalancer.drain"),
      change(3, "web-1", "ticket.open", keyOf("web-1", "dc")),
      change(90, "web-1", "loadbalancer.restore"),
      change(102, "web-2", "loadbalancer.drain"),
      change(103, "web-2", "ticket.open", keyOf("web-2", "dc")),
    ],
    servers: [
      { target: "web-1", takesAllTraffic: true, state: "at 100 % of its weight" },
      { target: "web-2", takesAllTraffic: false, state: "drained" },
      { target: "web-3", takesAllTraffic: true, state: "at 100 % of its weight" },
    ],
    unwell: [{ target: "web-2", why: "it does not serve" }],
    tickets: [{ id: "2", key: keyOf("web-2", "dc"), target: "web-2" }] as Left[],
    silences: [] as Left[],
  };
  return { record, reopenAfterMs: new Map([["disk-replacement", 60_000]]), temporal, world };
}
