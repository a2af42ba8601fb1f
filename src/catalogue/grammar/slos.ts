/** slos.yaml: how well services must be, and how much their error budget lets automation do. */
import { z } from "zod";
import { apiVersion, durationSchema, name, percent, perScale, scope, text } from "./common.ts";

const OBJECTIVE = 'the share of good events that is promised, such as "99.9%": more than 0%, less than 100%';
const SHARE = /^(\d{1,2})(\.\d{1,4})?%$/;
const objective = z
  .string({ error: OBJECTIVE })
  .regex(SHARE, { error: OBJECTIVE })
  .refine((value) => Number.parseFloat(value) > 0, { error: OBJECTIVE })
  .transform((value) => Number.parseFloat(value) / 100)
  .describe(OBJECTIVE);

const RATE = "a burn rate greater than 0; 1 spends exactly the budget";
const level = (left: string, rate: number) =>
  z
    .strictObject({
      budgetLeft: percent.prefault(left).describe("of the error budget"),
      burnRate: z.number({ error: RATE }).positive({ error: RATE }).default(rate).describe(RATE),
    })
    .prefault({});

export const slosSchema = perScale((scale: number) =>
  z.strictObject({
    apiVersion,
    kind: z.literal("Slos"),
    slos: z.record(
      name,
      z.strictObject({
        scopes: z.array(scope).min(1).default(["global"]).describe("the targets that it governs"),
        objective,
        errors: z
          .strictObject({
            window: text.describe("PromQL: the share of bad events in the objective's whole window, one number"),
            recent: text.describe("PromQL: the same of a short time, such as 1h"),
          })
          .describe("0 to 1; ${{ … }} is filled in"),
        maxAge: durationSchema(scale).prefault("5m"),
        aggressive: level("50%", 1).describe("at least so much left, burnt at most so fast: as configured"),
        conservative: level("10%", 6).describe("less left, or burnt faster: a person approves every plan"),
      }),
    ),
  }),
);
export type SlosSpec = z.infer<ReturnType<typeof slosSchema>>;
