/** A remediation that waits for an approval, as the API tells it. */
import type { RemediationRow } from "../../../src/record/api.ts";
import type { ListedRemediation, TellStory } from "../../../src/starters/http/remediations.ts";

export const ID = "01900000-0000-7000-8000-000000000001";
export const PLAN_HASH = "abcdef0123456789".repeat(4);
const AT = "2026-11-21T10:00:00.000Z";

export function row(change: Partial<RemediationRow> = {}): ListedRemediation {
  return {
    remediationId: ID,
    workflowId: "heal:host:web-1",
    runId: "run-1",
    target: { kind: "host", id: "web-1" },
    runbook: "disk-replacement",
    group: "web",
    owner: "sre",
    severity: "critical",
    phase: "approve",
    doing: "waiting for an approval",
    phaseUntil: "2026-11-21T14:00:00.000Z",
    planHash: PLAN_HASH,
    catalogueVersion: "c1",
    outcome: null,
    needsHuman: false,
    detail: "",
    openedAt: AT,
    closedAt: null,
    ...change,
    links: { webUi: "http://ui/workflows/1", traceId: null, trace: null },
  };
}

/** Only what the command line reads of a plan. */
const plan = {
  runbook: "disk-replacement",
  approval: { roles: ["dc-ops"], expiresMs: 1, onTimeout: "escalate" },
  probe: { name: "probe" },
  limits: {},
  rungs: [
    {
      name: "replace",
      steps: [{ id: "drain", uses: "loadbalancer.drain", with: { pool: "web" }, risk: "low", undoable: true }],
      verify: { holdMs: 600_000 },
    },
  ],
} as unknown as NonNullable<TellStory["plan"]>;

export function story(): TellStory {
  const wait = {
    key: "k",
    remediationId: ID,
    workflowId: "heal:host:web-1",
    system: "tickets",
    ref: "42",
    seen: "open",
  };
  return {
    remediation: row(),
    plan,
    sincePlanned: [],
    alerts: [
      {
        fingerprint: "f1",
        status: "firing",
        labels: { alertname: "SmartDiskFailing" },
        annotations: {},
        startsAt: AT,
        endsAt: null,
        source: "alertmanager",
        receivedAt: AT,
        faultKey: `f1@${AT}` as never,
        target: { kind: "host", id: "web-1" },
        disposition: "delivered",
        reason: null,
        remediationId: ID,
        repeats: 2,
        lastSeenAt: AT,
      },
    ],
    verdicts: [
      {
        seq: 1,
        planHash: PLAN_HASH,
        verdict: {
          outcome: "review",
          at: AT,
          results: [
            { guardrail: "pauses", outcome: "pass", code: "OK", detail: "no pause", saw: {} },
            { guardrail: "approval", outcome: "review", code: "APPROVAL_REQUIRED", detail: "a rebuild wipes", saw: {} },
          ],
        },
      },
    ],
    decisions: [],
    effects: [
      {
        key: "k",
        remediationId: ID,
        rung: "replace",
        step: "drain",
        action: "loadbalancer.drain",
        direction: "apply",
        attempt: 1,
        state: "happened",
        request: {},
        result: {},
        detail: "no sessions left",
        intentAt: AT,
        settledAt: "2026-11-21T10:00:04.000Z",
      },
    ],
    waits: [{ ...wait, since: AT, until: null, doneAt: null }],
    escalations: [
      {
        remediationId: ID,
        route: "page",
        summary: "look at it",
        at: AT,
        sentAt: null,
        keptUntil: null,
        error: "no route to host",
      },
    ],
    audit: [{ remediationId: ID, seq: 1, at: AT, kind: "opened", body: {}, previousHash: "", hash: "" }],
    links: { webUi: "http://ui/workflows/1", traceId: null, trace: null },
  } satisfies TellStory;
}
