/** Limits over all runbooks: of everything (`limits`), of each group (`defaults`), of one group (`groups.<name>.limits`). */
import { z } from "zod";
import { count, countPerSchema, durationSchema, percent, share, text } from "./common.ts";

const OFF = z.literal("off");
const MOST_FIRINGS = 50;

function stormSchema(scale: number) {
  return z
    .union([
      OFF,
      z.strictObject({
        share: percent.describe("of the targets, with new alerts inside the window"),
        within: durationSchema(scale),
        atLeast: count.default(5).describe("fewer targets than this are no storm"),
      }),
    ])
    .describe("trips the breaker, which only a person resets; off: none");
}

function flappingSchema(scale: number) {
  const firings = z.number().int().min(2).max(MOST_FIRINGS);
  return z
    .union([
      OFF,
      z.strictObject({
        from: firings.describe("firings of one fault inside the window, from which on it is left alone for a while"),
        person: firings.describe("firings at which it goes to a person"),
        within: durationSchema(scale),
        backoff: durationSchema(scale).describe("after the last firing; doubled with each further one"),
      }),
    ])
    .describe("a fault that recovers and fires again");
}

function minHealthySchema(scale: number) {
  return z.strictObject({
    keep: z
      .union([count, percent.transform((value) => ({ percent: value }))])
      .describe("a count, or a share, rounded up"),
    loadBalancer: z.boolean().default(false).describe("servers that it has out or down count as not healthy"),
    query: text
      .optional()
      .describe("PromQL with a series for each member: 1 is healthy; any other value, or no series, is not"),
    label: text.default("instance").describe("the label of its series that names the member"),
    maxAge: durationSchema(scale).prefault("5m").describe("oldest reading of both that counts"),
  });
}

/** Every key may be left out: then the next wider level says it, and last the built-in defaults. */
export function groupLimitsSchema(scale: number) {
  const duration = durationSchema(scale);
  const countPer = countPerSchema(scale);
  return z.strictObject({
    group: share.optional().describe("members in work at once, over all runbooks"),
    rack: share.optional(),
    service: share.optional(),
    region: share.optional(),
    minHealthy: minHealthySchema(scale).optional().describe("members that must be left healthy"),
    cooldown: duration.optional().describe("least time between two fixes of one target by any runbooks"),
    attempts: countPer.optional().describe("fixes of one target by any runbooks; more goes to a person"),
    rate: countPer.optional().describe("fixes in the group, over all runbooks"),
    flapping: flappingSchema(scale).optional(),
    storm: stormSchema(scale).optional(),
    errorBudget: z
      .union([OFF, countPer])
      .optional()
      .describe("failures of one runbook in the group; used up, a person approves every plan until one resets it"),
    pauseOnFailure: z.boolean().optional().describe("a runbook that failed after an effect is paused for the group"),
    budget: countPer.optional().describe("estimated cost (limits.cost of the runbooks) in a window"),
    silences: z
      .enum(["wait", "ignore"], { error: "wait or ignore" })
      .optional()
      .describe("of people in Alertmanager, on a target; default: wait for their end"),
    rollout: percent.optional().describe("share of the targets on which a version of a runbook acts by itself"),
  });
}
export type GroupLimits = z.infer<ReturnType<typeof groupLimitsSchema>>;

/** Of everything together. */
export function globalLimitsSchema(scale: number) {
  const countPer = countPerSchema(scale);
  return z.strictObject({
    cap: share.optional().describe("targets in work at once"),
    rate: countPer.optional().describe("fixes"),
    storm: stormSchema(scale).optional(),
    budget: countPer.optional().describe("estimated cost in a window"),
  });
}
export type GlobalLimits = z.infer<ReturnType<typeof globalLimitsSchema>>;
