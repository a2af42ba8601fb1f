/**
 * What the API answers, as schemas: `/openapi.json` is made of them, and tests hold real answers against them. What is
 * deep and no client's business in detail (a plan, an explanation) is only said to be an object.
 */
import { z } from "zod";
import type { Explanation } from "../../catalogue/explain.ts";
import { SEVERITIES, type FaultKey } from "../../contracts/alert.ts";
import { REVIEW_VERDICTS } from "../../contracts/autonomy.ts";
import { WORDS } from "../../contracts/ballot.ts";
import { BREAKER_KINDS } from "../../contracts/facts.ts";
import type { JsonObject } from "../../contracts/json.ts";
import { type Plan } from "../../contracts/plan.ts";
import { COMMANDS, OUTCOMES, PHASES } from "../../contracts/remediation.ts";
import { GUARDRAIL_OUTCOMES, REASONS, type ReasonCode } from "../../contracts/verdict.ts";
import type { Held } from "../story/held.ts";

/** Its type is known to us alone. */
function opaque<T>(description: string) {
  return z.custom<T>().meta({ type: "object", description });
}
export const text = z.string();
export const iso = z.iso.datetime();
export const maybe = iso.nullable();
export const count = z.int().min(0);
const bag = z.custom<JsonObject>().meta({ type: "object" });
const texts = z.record(z.string(), z.string());
export const severity = z.enum(SEVERITIES);
const outcome = z.enum(OUTCOMES);

export const TARGET = z.object({ kind: text, id: text }).meta({ id: "Target" });
const LINKS = z.object({
  webUi: text.nullable().describe("The workflow in Temporal's Web UI; null when its address is not configured"),
  traceId: text.nullable().describe("32 hexadecimal digits; null: nothing is traced"),
  trace: text.nullable().describe("The trace in the tracing system; null when its address is not configured"),
});

const sincePlanned = z
  .array(text)
  .nullable()
  .describe("What of the catalogue has changed since the plan that waits was made; null: none waits");

export const REMEDIATION = z
  .object({
    remediationId: text,
    workflowId: text,
    runId: text,
    target: TARGET,
    runbook: text.nullable(),
    group: text,
    owner: text,
    severity,
    phase: z.enum(PHASES),
    doing: text,
    phaseUntil: maybe,
    planHash: text.nullable(),
    catalogueVersion: text.nullable(),
    outcome: outcome.nullable(),
    needsHuman: z.boolean(),
    detail: text,
    openedAt: iso,
    closedAt: maybe,
  })
  .meta({ id: "Remediation" });
export const LISTED = REMEDIATION.extend({ links: LINKS }).meta({ id: "ListedRemediation" });
export const next = text.nullable().describe("The path of the next page; null on the last");

const ALERT_FIELDS = {
  fingerprint: text,
  status: z.enum(["firing", "resolved"]),
  labels: texts,
  annotations: texts,
  startsAt: text,
  endsAt: text.nullable(),
  source: text,
  receivedAt: iso,
};
export const ALERT = z
  .object({
    ...ALERT_FIELDS,
    faultKey: z.custom<FaultKey>().meta({ type: "string" }),
    target: TARGET.nullable(),
    disposition: z.enum(["received", "delivered", "unmatched", "ignored"]),
    reason: text.nullable(),
    remediationId: text.nullable(),
    repeats: count,
    lastSeenAt: iso,
  })
  .meta({ id: "Alert" });

const GUARDRAIL_RESULT = z
  .object({
    guardrail: text,
    outcome: z.enum(GUARDRAIL_OUTCOMES),
    code: z.enum(Object.keys(REASONS) as ReasonCode[]),
    detail: text,
    saw: bag,
    trips: z
      .array(z.object({ kind: z.enum(BREAKER_KINDS), scope: text, remedy: text.nullable().optional() }))
      .optional(),
    waitsFor: z.array(text).optional(),
    stale: z.literal(true).optional(),
    until: text.optional(),
  })
  .meta({ id: "GuardrailResult" });
const VERDICT_OUTCOME = z.enum(["act", "review", "wait", "refuse", "observe"]);
export const VERDICT = z
  .object({ outcome: VERDICT_OUTCOME, results: z.array(GUARDRAIL_RESULT), at: text, would: VERDICT_OUTCOME.optional() })
  .meta({ id: "Verdict" });
export const VERDICT_ROW = z.object({ seq: count, verdict: VERDICT, planHash: text.nullable() });

const EFFECT = z
  .object({
    key: text,
    remediationId: text,
    rung: text,
    step: text,
    action: text,
    direction: z.enum(["apply", "undo", "finishHealthy", "finishOtherwise"]),
    attempt: count,
    request: bag,
    state: z.enum(["intent", "happened", "pending", "notHappened", "failed", "unknown"]),
    result: bag.nullable(),
    detail: text,
    intentAt: iso,
    settledAt: maybe,
  })
  .meta({ id: "Effect" });
const WAIT = z.object({
  key: text,
  remediationId: text,
  workflowId: text,
  system: text,
  ref: text,
  seen: text,
  since: iso,
  until: maybe,
  doneAt: maybe,
});
const DECISION = z.object({
  decision: text,
  by: text,
  via: text,
  at: iso,
  planHash: text,
  status: text,
  reason: text,
});
const ESCALATION = z.object({
  remediationId: text,
  route: text,
  summary: text,
  at: iso,
  sentAt: maybe,
  keptUntil: maybe,
  error: text.nullable(),
});
export const AUDIT = z.object({
  remediationId: text,
  seq: count,
  at: iso,
  kind: text,
  body: bag,
  previousHash: text,
  hash: text,
});
export const RECORDED = z
  .object({
    remediation: REMEDIATION,
    plan: opaque<Plan>("The plan in force: rungs with their steps, limits, approval").nullable(),
    alerts: z.array(ALERT),
    verdicts: z.array(VERDICT_ROW),
    decisions: z.array(DECISION),
    effects: z.array(EFFECT),
    waits: z.array(WAIT),
    escalations: z.array(ESCALATION),
    audit: z.array(AUDIT),
    links: LINKS,
    sincePlanned,
  })
  .meta({ id: "RecordedRemediation" });

const STORY_EFFECT = EFFECT.omit({ remediationId: true, intentAt: true })
  .extend({
    startedAt: iso,
    durationMs: z.number().nullable(),
    readings: z.array(z.object({ at: iso, state: text, detail: text })).describe("What was seen when it was read back"),
  })
  .meta({ id: "StoryEffect" });
const STORY_READING = z.object({
  at: iso,
  phase: text,
  probe: text,
  state: z.enum(["healthy", "unhealthy", "unknown"]),
  reason: text,
  measured: bag,
});
const STORY_PLAN = z.object({
  hash: text,
  runbook: text,
  roles: z.array(text),
  quorum: count,
  probe: text,
  rungs: z.array(
    z.object({
      name: text,
      steps: z.array(z.object({ uses: text, risk: text, undoable: z.boolean(), with: bag })),
      holdMs: z.number(),
    }),
  ),
});
export const STORY = z
  .object({
    remediation: REMEDIATION,
    durationMs: z.number().nullable().describe("From opening to close; null while it is open"),
    alerts: z.array(ALERT),
    confirmed: z.array(STORY_READING),
    evidence: bag.nullable(),
    verdicts: z.array(VERDICT.extend({ seq: count, planHash: text.nullable() })),
    plan: STORY_PLAN.nullable(),
    people: z.array(
      z.object({
        at: iso,
        by: text,
        via: text,
        word: text,
        status: text,
        reason: text,
        planHash: text.nullable(),
      }),
    ),
    held: opaque<Held>("Who holds it, where it stands, and what goes on now").nullable(),
    effects: z.array(STORY_EFFECT),
    undone: z.array(STORY_EFFECT),
    waits: z.array(WAIT),
    verified: z.array(STORY_READING),
    told: z.array(ESCALATION),
    cost: z.number().nullable().describe("As the runbook estimates it"),
    tickets: z.array(z.object({ id: text, url: text.nullable() })),
    timeline: z.array(z.object({ at: iso, kind: text, what: text })),
    links: LINKS,
    sincePlanned,
  })
  .meta({ id: "Story" });

const FAULT = z.object({ field: text, value: text, wouldBeRight: text }).meta({ id: "FieldFault" });
export const ALERT_RESULT = z
  .object({
    fingerprint: text,
    status: z.enum(["firing", "resolved"]),
    startsAt: text,
    disposition: z.enum(["delivered", "duplicate", "unmatched", "ignored"]),
    target: text.nullable(),
    runbook: text.nullable(),
    reason: text.nullable(),
    faults: z.array(FAULT).optional(),
  })
  .meta({ id: "AlertResult" });

export const INGESTED = z.object({
  duplicate: z.literal(true).optional().describe("This very body was taken before"),
  accepted: count,
  duplicates: count,
  unmatched: count,
  ignored: count,
  results: z.array(ALERT_RESULT),
  truncatedAlerts: count,
  warnings: z.array(text),
});
export const about = { remediationId: text, target: TARGET };
export const DECIDED = z.object({
  ...about,
  decision: z.enum([...WORDS, "cancel", ...COMMANDS]),
  by: text,
  planHash: text.nullable(),
});
export const REVIEWED = z.object({ ...about, outcome: text, verdict: z.enum(REVIEW_VERDICTS) });
export const TOKEN_ISSUED = z.object({
  remediationId: text,
  workflowId: text,
  decision: z.enum([...WORDS, ...COMMANDS]),
  by: text,
  planHash: text.nullable(),
  token: text,
  expiresAt: iso,
});
export const SETTLED = z.object({ ...about, scopes: z.array(text) });

export const EXPLAINED = z.object({
  recorded: z
    .object({ remediationId: text, outcome: text.nullable(), verdict: VERDICT.nullable(), planHash: text.nullable() })
    .nullable(),
  now: opaque<Explanation>("What would happen now: the rules that match, the facts, every guardrail, the plan"),
});

const PART = z.object({ ready: z.boolean(), detail: text });
export const ALIVE = z.object({ alive: z.literal(true) });
export const READINESS = z.object({
  ready: z.boolean(),
  parts: z.object({ record: PART, temporal: PART, catalogue: PART }),
});

export const PROBLEM = z
  .object({
    type: text.describe("`urn:selfheal:problem:<slug>`; slugs are stable"),
    title: text,
    status: z.int(),
    detail: text,
    instance: text,
    requestId: text,
    field: text.optional(),
    value: text.optional(),
    wouldBeRight: text.optional(),
    errors: z.array(FAULT).optional(),
  })
  .meta({ id: "Problem" });
