/** A small registry of actions that do nothing, for tests of the catalogue. */
import { z } from "zod";
import type { Action, AnyAction } from "../../src/ports/action.ts";
import type { Risk } from "../../src/contracts/plan.ts";

function fake(name: string, risk: Risk, input: z.ZodType, more: Partial<Action> = {}): AnyAction {
  return {
    name,
    version: 1,
    summary: `Fake ${name}.`,
    risk,
    input,
    output: z.object({}),
    applyTimeoutMs: 10_000,
    lifeMs: 60_000,
    defaultWithinMs: 300_000,
    perform: { observe: () => Promise.resolve({ state: "happened", result: {}, detail: "fake" }) },
    ...more,
  } as AnyAction;
}

const operation = fake("x.y", "read", z.object({})).perform;
const serial = z.string().min(1);

export const FAKE_ACTIONS: Record<string, AnyAction> = Object.fromEntries(
  [
    fake("disk.report", "read", z.strictObject({ device: serial.optional(), waitMs: z.number().int().optional() }), {
      output: z.object({ serial, slot: z.string() }),
    }),
    fake("quiet.start", "low", z.strictObject({ for: z.number().positive().describe("milliseconds") }), {
      undo: operation,
      finishHealthy: operation,
      finishOtherwise: operation,
    }),
    fake(
      "traffic.drain",
      "low",
      z.strictObject({ pool: serial, server: serial.optional(), waitMs: z.number().int().positive().optional() }),
      {
        aims: ["server"],
        undo: operation,
        finishHealthy: operation,
        ramped: true,
      },
    ),
    fake(
      "desk.open",
      "low",
      z.strictObject({ queue: serial, body: serial.optional(), urgent: z.boolean().optional() }),
      {
        output: z.object({ ticketId: z.string(), url: z.string() }),
        undo: operation,
      },
    ),
    fake("desk.wait", "read", z.strictObject({ ticket: serial })),
    fake("host.reboot", "high", z.strictObject({ server: serial.optional() })),
    fake("host.wipe", "irreversible", z.strictObject({ image: serial })),
  ].map((action) => [action.name, action]),
);
