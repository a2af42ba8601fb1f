/** The grammar of `*.test.yaml`: alerts and facts, and what must be decided about them. */
import { z } from "zod";
import { REASONS, type ReasonCode } from "../../contracts/verdict.ts";
import { apiVersion, durationSchema, instant, jsonObject, mode, name, perScale, text } from "./common.ts";

const CODES = Object.keys(REASONS) as [ReasonCode, ...ReasonCode[]];
const code = z.enum(CODES, { error: "a reason code of docs/operating.md" });
const labels = z.record(z.string().min(1), z.string({ error: "a text: write it in quotes" }));

const alert = z.strictObject({ labels: labels.describe("as Alertmanager sends them") });

function factsSchema(scale: number) {
  const duration = durationSchema(scale);
  const acted = z.strictObject({
    target: text.describe("id of a target of the inventory"),
    runbook: name,
    ago: duration,
  });
  return z.strictObject({
    now: instant.prefault("2026-01-01T12:00:00Z"),
    mode: mode.optional().describe("instead of the global mode of selfheal.yaml"),
    probe: z.enum(["healthy", "unhealthy", "unknown"]).default("unhealthy").describe("what the runbook's probe says"),
    collected: jsonObject.nullable().default({}).describe("what the runbook's collect reads; null: it fails"),
    approvedBy: z.array(text).default([]).describe("people who approved this very plan"),
    acted: z.array(acted).default([]).describe("remediations that acted and are over"),
    inWork: z.array(text).default([]).describe("ids of targets in work now"),
    leftOut: z.array(text).default([]).describe("ids of targets that were left out of service"),
    unhealthy: z.array(text).default([]).describe("ids of members that load balancer or health query call unhealthy"),
    alerting: z.array(text).default([]).describe("ids of targets that got alerts now"),
    fired: z.number().int().min(1).default(1).describe("times that the fault fired, one a minute"),
    paused: z.array(text).default([]).describe("scopes, as `selfheal pause` takes them"),
  });
}

const expected = z.strictObject({
  runbook: name.nullable().optional().describe("null: none matches"),
  target: text.optional().describe("kind/id"),
  verdict: z.enum(["act", "review", "wait", "refuse", "observe"]).optional(),
  reasons: z.array(code).optional().describe("exactly the codes of the results that do not pass"),
  passes: z.array(z.string()).optional().describe("guardrails that must pass"),
  steps: z.array(z.string()).optional().describe("the plan's steps: rung/step"),
});

/** `scale` divides every duration. */
export const runbookTestSchema = perScale((scale) =>
  z.strictObject({
    apiVersion,
    kind: z.literal("RunbookTest"),
    config: jsonObject.optional().describe("instead of the folder's selfheal.yaml"),
    inventory: jsonObject.optional().describe("instead of the folder's inventory.yaml"),
    tests: z
      .array(
        z.strictObject({
          name: text,
          alerts: z.array(alert).min(1, { error: "at least one alert" }),
          facts: factsSchema(scale).prefault({}),
          expect: expected.refine((one) => Object.keys(one).length > 0, { error: "at least one expectation" }),
        }),
      )
      .min(1, { error: "at least one test" }),
  }),
);
export type RunbookTestFile = z.infer<ReturnType<typeof runbookTestSchema>>;
export type RunbookTest = RunbookTestFile["tests"][number];
