import { z } from "zod";
import { ROUTES } from "../../contracts/route.ts";
import {
  apiVersion,
  cel,
  countPerSchema,
  durationSchema,
  type DurationSchema,
  instant,
  jsonObject,
  mode,
  name,
  percent,
  perScale,
  probe,
  share,
  text,
} from "./common.ts";
import { minutes } from "./reports.ts";

const MATCHER_HELP = 'a text that the label must equal, or { matches: "regular expression" }';
const matcher = z.union(
  [z.string(), z.strictObject({ matches: z.string().min(1).max(500).describe("RE2, must match the whole value") })],
  { error: MATCHER_HELP },
);
const matchEntry = z
  .record(z.string().min(1), matcher)
  .refine((entry) => Object.keys(entry).length > 0, {
    error: "at least one label: an empty entry would match every alert",
  })
  .describe("labels that must all match");

const route = z.enum([...ROUTES, "bySeverity"]);

const collectItem = z.strictObject({
  id: name.describe("its result is ${{ collected.<id>.… }}"),
  uses: z.string().describe("an action that only reads"),
  with: jsonObject.default({}),
});

function rungSchema(duration: DurationSchema) {
  const step = z.strictObject({
    id: name.optional().describe("for ${{ steps.<id>.… }}; default: the action's last word"),
    uses: z.string({ error: "the name of an action, e.g. loadbalancer.drain" }).describe("an action"),
    with: jsonObject.default({}).describe("the action's input; ${{ … }} is filled in when the plan is made"),
    within: duration.optional().describe("how long its effect may take to show; default: the action's own"),
    onFail: z.enum(["nextRung", "escalate"]).default("nextRung"),
    pointOfNoReturn: z
      .boolean()
      .default(false)
      .describe("once this happened nothing is undone any more; irreversible steps are so by themselves"),
  });

  return z.strictObject({
    rung: name,
    steps: z.array(step).min(1, { error: "at least one step" }).max(30),
    verify: z.strictObject({
      hold: duration.describe("the probe must stay healthy this long"),
      within: duration.prefault("10m").describe("how long to wait for the first healthy reading"),
      also: z.array(name).max(20).default([]).describe("probes of selfheal.yaml that must be healthy too"),
    }),
  });
}

function limitsSchema(scale: number) {
  const duration = durationSchema(scale);
  const countPer = countPerSchema(scale);
  return z.strictObject({
    cooldown: duration.prefault("10m").describe("least time between two fixes of one target by this runbook"),
    attempts: countPer.prefault("2 per 7d").describe("more goes to a person"),
    rate: countPer.optional().describe("over all targets"),
    rack: share.optional().describe("targets of one rack in work at once"),
    group: share.prefault("10%").describe("targets of one group in work at once, as count or share of its members"),
    service: share.optional().describe("targets of one service in work at once"),
    region: share.optional().describe("targets of one region in work at once"),
    global: share.optional().describe("targets in work at once"),
    cost: z.number().min(0).default(0).describe("estimate for one plan, in the unit of the budgets of selfheal.yaml"),
    rollout: percent.optional().describe("a version acts by itself on this share of the targets; default: the group's"),
    reopenAfter: duration.prefault("24h").describe("a fault that was decided and still fires starts again after this"),
  });
}

function finishSchema(duration: DurationSchema) {
  return z.strictObject({
    healthy: z
      .strictObject({ restore: z.enum(["atOnce", "ramp"]).default("atOnce"), over: duration.optional() })
      .prefault({})
      .describe("how traffic comes back to a target that is proven healthy"),
    escalate: z
      .strictObject({ afterEffect: route.default("page"), beforeEffect: route.default("bySeverity") })
      .prefault({}),
  });
}

/** `scale` divides every duration (`timeScale`). */
export const runbookSchema = perScale(makeRunbookSchema);

function makeRunbookSchema(scale: number) {
  const duration = durationSchema(scale);
  return z.strictObject({
    apiVersion,
    kind: z.literal("Runbook"),
    metadata: z.strictObject({
      name,
      owner: text.describe("the team that answers for it"),
      reviewBy: instant.describe("when somebody must look at it again"),
      description: text.optional(),
      savesMinutes: minutes
        .optional()
        .describe(
          "work of a person that one healed remediation spares; default: reports.savesMinutes of selfheal.yaml",
        ),
      tags: z.array(name).max(20).default([]).describe("security: a person approves every plan"),
    }),
    match: z.array(matchEntry).min(1, { error: "at least one entry: without any it would match every alert" }),
    target: z.strictObject({
      kind: name,
      from: z
        .array(z.string().min(1))
        .min(1, { error: "at least one label" })
        .describe("labels that name it; the first that is there decides"),
      groups: z
        .array(name)
        .min(1, { error: "at least one group" })
        .optional()
        .describe("the only groups that it may touch; default: all that its team was granted, else every group"),
    }),
    require: cel.default("true").describe("CEL; must be true of the target"),
    probe: probe.describe("confirms the fault and verifies the cure"),
    flapWindow: duration.prefault("1m").describe("how long healthy must hold to close as recovered without acting"),
    mode: mode.default("observe"),
    limits: limitsSchema(scale).prefault({}),
    approval: z
      .strictObject({
        roles: z.array(name).min(1, { error: "at least one role" }),
        quorum: z.number().int().min(1).max(10).default(1).describe("different people who must approve"),
        expires: duration.prefault("4h"),
        onTimeout: z.enum(["escalate", "refuse"]).default("escalate"),
      })
      .optional(),
    collect: z.array(collectItem).max(10).default([]).describe("evidence, read before anything is touched"),
    harm: z
      .strictObject({
        sli: name,
        worseBy: z.number().positive().optional().describe("absolute distance; default: the SLI's own"),
      })
      .optional(),
    ladder: z.array(rungSchema(duration)).min(1, { error: "at least one rung" }).max(10),
    finish: finishSchema(duration).prefault({}),
  });
}
export type RunbookSpec = z.infer<ReturnType<typeof runbookSchema>>;
export type StepSpec = RunbookSpec["ladder"][number]["steps"][number];

/** `loadbalancer.drain` -> `drain`. */
export function stepId(step: { id?: string | undefined; uses: string }): string {
  return step.id ?? step.uses.slice(step.uses.lastIndexOf(".") + 1);
}
