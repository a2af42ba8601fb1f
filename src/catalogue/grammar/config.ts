import { z } from "zod";
import { accessSchema, slackPerson } from "./access.ts";
import {
  apiVersion,
  count,
  durationSchema,
  type DurationSchema,
  instant,
  jsonObject,
  mode,
  name,
  percent,
  perScale,
  probe,
  text,
} from "./common.ts";
import { notificationsSchema } from "./notifications.ts";
import { problemsSchema, reportsSchema } from "./reports.ts";
import { globalLimitsSchema, groupLimitsSchema } from "./limits.ts";
import { correlationSchema, windowSchema } from "./windows.ts";

const HASH = "the 64 hex digits that `selfheal runbook check` prints, in quotes";

const standingApproval = z.strictObject({
  runbook: name,
  runbookHash: z.string({ error: HASH }).regex(/^[0-9a-f]{64}$/, { error: HASH }),
  group: name,
  expires: instant,
  maxCount: count,
  by: text.describe("one of people"),
});

const rollout = z.strictObject({
  runbook: name,
  runbookHash: z.string({ error: HASH }).regex(/^[0-9a-f]{64}$/, { error: HASH }),
  share: percent,
  by: text.describe("one of people"),
});

const approvals = z
  .strictObject({
    unsigned: z
      .enum(["never", "reversible", "always"], { error: "never, reversible or always" })
      .default("never")
      .describe(
        "does a signal or update without a one-time token count as its sender's decision? reversible: not for a plan with an irreversible step",
      ),
    roles: z.array(name).default([]).describe("who approves plans of runbooks that name no roles"),
    security: z
      .array(z.record(z.string().min(1), z.string()).refine((entry) => Object.keys(entry).length > 0))
      .default([{ category: "security" }])
      .describe("labels of alerts that are a matter of security: their plans always need a person"),
  })
  .prefault({});

const teams = z
  .record(name, z.strictObject({ groups: z.array(name).min(1, { error: "at least one group" }) }))
  .default({})
  .describe("teams with runbooks of their own, in teams/<name>/runbooks: the groups that these may touch");

function promotionSchema(duration: DurationSchema) {
  return z
    .strictObject({
      cases: count.default(20).describe("cases that people judged, at least"),
      agreement: percent.prefault("95%").describe("share of them that people agreed with, at least"),
      within: duration.prefault("90d").describe("older ones do not count"),
    })
    .prefault({})
    .describe("what a runbook must show in a group before `selfheal modes promote` lets it act by itself");
}

function sliSchema(duration: ReturnType<typeof durationSchema>) {
  const worseBy = z.number({ error: "a number greater than 0" }).positive({ error: "a number greater than 0" });
  return z.strictObject({
    query: text.describe("PromQL that gives one number; ${{ … }} is filled in"),
    maxAge: duration.prefault("5m"),
    better: z.enum(["higher", "lower"]),
    worseBy: worseBy.optional().describe("absolute distance from the baseline that is harm"),
  });
}

function sourceSchema(duration: ReturnType<typeof durationSchema>) {
  return z.strictObject({
    token: text.optional().describe("bearer token that its sender shows; a reference"),
    heartbeat: z
      .strictObject({ alertname: text, within: duration.prefault("15m") })
      .optional()
      .describe("an alert that fires for ever and must come again inside this time, or people are paged"),
    hmac: text.optional().describe("key with which its sender signs each body; a reference"),
  });
}

/** `scale` divides every duration (`timeScale`). */
export const configSchema = perScale(makeConfigSchema);

const person = z.strictObject({
  name: text,
  roles: z.array(name).default([]),
  slack: slackPerson.optional().describe("who this is in Slack, and what he may do from there"),
});

function makeConfigSchema(scale: number) {
  const duration = durationSchema(scale);
  return z.strictObject({
    apiVersion,
    kind: z.literal("Config"),
    mode: mode.default("observe").describe("the most that any runbook may do"),
    timeScale: z
      .number({ error: "a number of at least 1" })
      .min(1, { error: "a number of at least 1" })
      .max(100_000)
      .default(1)
      .describe("for demos only: every duration of the catalogue is divided by it"),
    people: z.array(person).default([]),
    approvals,
    access: accessSchema(),
    groups: z
      .record(
        name,
        z.strictObject({
          mode: mode.default("auto").describe("can only lower the global mode"),
          owner: text,
          limits: groupLimitsSchema(scale).prefault({}).describe("instead of defaults, key by key"),
        }),
      )
      .default({}),
    limits: globalLimitsSchema(scale).prefault({}).describe("of everything together"),
    defaults: groupLimitsSchema(scale).prefault({}).describe("limits of each group that does not say otherwise"),
    teams,
    windows: z.array(windowSchema).default([]).describe("maintenance and deploy windows that are known beforehand"),
    correlation: correlationSchema(scale).optional().describe("many unhealthy targets under one parent; default: none"),
    connections: jsonObject.default({}).describe("the systems; secrets are references: env:NAME or file:PATH"),
    sources: z
      .record(name, sourceSchema(duration))
      .default({})
      .describe(
        "where alerts come from; `slack` with hmac, the app's signing secret: where commands of chat come from",
      ),
    values: jsonObject.default({}).describe("yours; ${{ config.<name> }} in runbooks"),
    probes: z.record(name, probe).default({}).describe("named probes for verify.also"),
    slis: z.record(name, sliSchema(duration)).default({}),
    standingApprovals: z
      .array(standingApproval)
      .default([])
      .describe("standard changes: plans of exactly this runbook version on this group need no further approval"),
    promotion: promotionSchema(duration),
    notifications: notificationsSchema,
    reports: reportsSchema,
    problems: problemsSchema(duration),
    rollouts: z
      .array(rollout)
      .default([])
      .describe("widens the rollout of exactly this runbook version to a share of the targets"),
  });
}
export type ConfigSpec = z.infer<ReturnType<typeof configSchema>>;
