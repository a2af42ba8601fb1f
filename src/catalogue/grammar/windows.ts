/** Maintenance and deploy windows of selfheal.yaml, and the correlation of alerts under one parent. */
import { z } from "zod";
import { WEEKDAYS, WINDOW_KINDS } from "../../contracts/surroundings.ts";
import { count, durationSchema, instant, name, percent, scope } from "./common.ts";

const ZONE = "a time zone of the IANA list such as Europe/Warsaw or UTC";
const timeZone = z.string({ error: ZONE }).refine(isTimeZone, { error: ZONE }).describe(ZONE);

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

const CLOCK = "a time of day such as 22:00";
const time = (pattern: RegExp, help: string) =>
  z.string({ error: help }).regex(pattern, { error: help }).describe(help);
const from = time(/^([01]\d|2[0-3]):[0-5]\d$/, CLOCK);
const to = time(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, `${CLOCK}, at most 24:00`);

const weekly = z
  .strictObject({
    timeZone,
    days: z
      .array(z.enum(WEEKDAYS))
      .min(1)
      .default([...WEEKDAYS])
      .describe("on which it begins; default: every day"),
    from,
    to: to.describe("before `from`: on the next day"),
  })
  .refine((value) => value.from !== value.to, {
    error: "another time than `from`; a whole day is from 00:00 to 24:00",
    path: ["to"],
  });

const once = z
  .strictObject({ from: instant, until: instant })
  .refine((value) => Date.parse(value.from) < Date.parse(value.until), {
    error: "a time after `from`",
    path: ["until"],
  });

export const windowSchema = z
  .strictObject({
    name,
    kind: z
      .enum(WINDOW_KINDS)
      .describe("maintenance: people work there; deploy: a deployment or migration changes the targets"),
    scopes: z.array(scope).min(1).describe("where it holds"),
    weekly: weekly.optional().describe("again each week, on the clock of the time zone"),
    once: once.optional(),
  })
  .refine((value) => (value.weekly === undefined) !== (value.once === undefined), {
    error: "either `weekly` or `once`",
  });

export const PARENTS = ["rack", "region", "group", "service", "dependency"] as const;

export function correlationSchema(scale: number) {
  const duration = durationSchema(scale);
  return z.strictObject({
    holdDown: duration.describe("least time between the first alert of a target and acting on it"),
    parents: z
      .array(
        z.strictObject({
          parent: z.enum(PARENTS).describe("dependency: whatever the targets name in dependsOn"),
          share: percent.describe("of the targets under it, with new alerts inside the window"),
          within: duration,
          atLeast: count.default(3).describe("fewer targets than this are no sign"),
        }),
      )
      .min(1),
  });
}
export type CorrelationSpec = z.infer<ReturnType<typeof correlationSchema>>;
