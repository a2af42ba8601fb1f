/** Building blocks of the three kinds of file. Every `error` text says what would be right. */
import { z } from "zod";
import type { Json } from "../../contracts/json.ts";
import { DURATION_HELP, DURATION_PATTERN, parseDuration } from "../duration.ts";

export const API_VERSION = "selfheal/v1";
export const apiVersion = z.literal(API_VERSION).describe("version of this grammar");

const NAME = "a name of letters, digits, dot, dash and underscore, at most 100";
export const name = z.string({ error: NAME }).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, { error: NAME });

const TEXT = "a text that is not empty";
export const text = z
  .string({ error: TEXT })
  .trim()
  .min(1, { error: TEXT })
  .max(4_000, { error: "at most 4000 characters" });

export const mode = z.enum(["observe", "review", "auto"]);

export const json: z.ZodType<Json> = z.json();
export const jsonObject = z.record(z.string(), json);

/** The one place where the time scale is applied: every duration of the catalogue goes through this schema. */
export function durationSchema(scale: number) {
  return z
    .string({ error: DURATION_HELP })
    .regex(DURATION_PATTERN, { error: DURATION_HELP, abort: true })
    .refine((value) => parseDuration(value) !== null, {
      error: `${DURATION_HELP}, not zero and at most two years`,
      abort: true,
    })
    .transform((value) => parseDuration(value, scale) ?? 1)
    .describe(DURATION_HELP);
}
export type DurationSchema = ReturnType<typeof durationSchema>;

const COUNT_PER = /^(\d{1,6}) per (\d{1,9}(?:ms|s|m|h|d|w))$/;
const COUNT_PER_HELP = 'a count in a window such as "2 per 7d"';

/** `2 per 7d`. */
export function countPerSchema(scale: number) {
  return z
    .string({ error: COUNT_PER_HELP })
    .regex(COUNT_PER, { error: COUNT_PER_HELP, abort: true })
    .refine((value) => parseCountPer(value, 1) !== null, { error: `${COUNT_PER_HELP}, both at least 1`, abort: true })
    .transform((value) => parseCountPer(value, scale) ?? { max: 1, windowMs: 1 })
    .describe(COUNT_PER_HELP);
}

function parseCountPer(value: string, scale: number): { max: number; windowMs: number } | null {
  const match = COUNT_PER.exec(value);
  const windowMs = parseDuration(match?.[2] ?? "", scale);
  const max = Number(match?.[1] ?? 0);
  return windowMs === null || max < 1 ? null : { max, windowMs };
}

export const count = z.number({ error: "a whole number of at least 1" }).int().min(1).max(1_000_000);

const SCOPE =
  "a scope: global, group:NAME, rack:NAME, region:NAME, service:NAME, runbook:NAME, runbook:NAME@GROUP or target:KIND:ID";
export const scope = z
  .string({ error: SCOPE })
  .regex(/^(global|(group|rack|region|service|runbook|target):\S{1,500})$/, { error: SCOPE })
  .describe(SCOPE);

const PERCENT = /^(\d{1,3})%$/;
const PERCENT_HELP = 'a share from "0%" to "100%"';
export const percent = z
  .string({ error: PERCENT_HELP })
  .regex(PERCENT, { error: PERCENT_HELP })
  .refine((value) => percentOf(value) <= 100, { error: PERCENT_HELP, abort: true })
  .transform(percentOf)
  .describe(PERCENT_HELP);

const SHARE_HELP =
  'a whole number of at least 1, a share from "0%" to "100%", or { share: 10%, atLeast: 1, atMost: 5 }';

/** `10%` of the members, or a count. Rounded down, never less than `atLeast` (default 1), never more than `atMost`. */
export const share = z
  .union(
    [
      count.transform((value) => ({ count: value })),
      percent.transform((value) => ({ percent: value, atLeast: 1, atMost: null })),
      z
        .strictObject({ share: percent, atLeast: z.number().int().min(0).default(1), atMost: count.optional() })
        .refine(({ atLeast, atMost }) => atMost === undefined || atLeast <= atMost)
        .transform((value) => ({ percent: value.share, atLeast: value.atLeast, atMost: value.atMost ?? null })),
    ],
    { error: SHARE_HELP },
  )
  .describe(SHARE_HELP);
export type Share = z.infer<typeof share>;

function percentOf(value: string): number {
  return Number(PERCENT.exec(value)?.[1] ?? 0);
}

const DATE_HELP = "a date such as 2027-05-01 or a time such as 2027-05-01T12:00:00Z";
/** ISO in UTC; a bare date means its midnight. */
export const instant = z
  .string({ error: DATE_HELP })
  .regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/, { error: DATE_HELP })
  .refine((value) => !Number.isNaN(Date.parse(value)), { error: DATE_HELP, abort: true })
  .transform((value) => new Date(value).toISOString())
  .describe(DATE_HELP);

export const cel = z.string({ error: "a CEL expression" }).trim().min(1, { error: "a CEL expression" }).max(4_000);

/** A check: what it asks, and over what it measured, when that is unhealthy and when it is healthy. */
export const probe = z.strictObject({
  uses: z
    .string({ error: "the name of a probe, e.g. prometheus.query" })
    .describe("prometheus.query, http.get or tcp.connect"),
  with: jsonObject.describe("what the probe asks; ${{ … }} is filled in for each target").default({}),
  states: z.strictObject({
    unhealthy: cel.describe("CEL over what was measured"),
    healthy: cel.describe("CEL over what was measured; neither or both true is unknown"),
  }),
});
export type ProbeDefinition = z.infer<typeof probe>;

const KEPT_SCALES = 8;

/** Making a schema takes longer than using it, so the few that are in use are kept. */
export function perScale<S>(make: (scale: number) => S): (scale: number) => S {
  const kept = new Map<number, S>();
  return (scale) => {
    const known = kept.get(scale);
    if (known !== undefined) return known;
    if (kept.size >= KEPT_SCALES) kept.clear();
    const made = make(scale);
    kept.set(scale, made);
    return made;
  };
}
