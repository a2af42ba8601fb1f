import { z } from "zod";
import type { AnyAction, Operation } from "../ports/action.ts";
import { APPLY_TIMEOUT_MS, defineAction, happened, MINUTE_MS, notHappened } from "./define.ts";

const input = z.strictObject({
  for: z
    .number()
    .int()
    .positive()
    .describe("how long at most, in milliseconds; the end of the remediation ends it sooner"),
  matchers: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .describe("further labels that must match too; the target's own host label always must"),
});
type Input = z.infer<typeof input>;

/** Ends the downtime: every silence that this step made. */
const expire: Operation<Input> = {
  async apply({ ports, applyKey }) {
    for (const { id } of await ports.silences.findByKey(applyKey)) await ports.silences.expire(id);
  },
  async observe({ ports, applyKey }) {
    const left = await ports.silences.findByKey(applyKey);
    return left.length === 0 ? happened("the silence is over") : notHappened(`silence ${left[0]?.id} is still there`);
  },
};

const silence = defineAction<Input>({
  name: "monitoring.silence",
  version: 1,
  summary: "Silences the alerts of exactly this target; ended at the end of the remediation.",
  risk: "low",
  input,
  output: z.object({ silenceId: z.string() }),
  applyTimeoutMs: APPLY_TIMEOUT_MS,
  lifeMs: MINUTE_MS,
  defaultWithinMs: MINUTE_MS,
  perform: {
    async apply({ ports, target, key, now, remediationId }, { for: forMs, matchers }) {
      if ((await ports.silences.findByKey(key)).length > 0) return;
      await ports.silences.create({
        // Last, so that no further matcher can widen it beyond this target.
        matchers: { ...matchers, [target.kind]: target.labels[target.kind] || target.id },
        startsAt: now,
        endsAt: new Date(Date.parse(now) + forMs).toISOString(),
        key,
        comment: `selfheal works on ${target.id} (remediation ${remediationId})`,
      });
    },
    async observe({ ports, key }) {
      const [first, ...more] = await ports.silences.findByKey(key);
      if (first === undefined) return notHappened("there is no such silence");
      const doubled = more.length > 0 ? ` (and ${more.length} more of the same)` : "";
      return happened(`silence ${first.id} until ${first.endsAt}${doubled}`, { silenceId: first.id });
    },
  },
  undo: expire,
  finishHealthy: expire,
  finishOtherwise: expire,
});

export const monitoringActions: AnyAction[] = [silence];
