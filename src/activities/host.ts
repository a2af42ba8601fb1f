import { z } from "zod";
import type { AnyAction, EffectContext, Operation } from "../ports/action.ts";
import type { Drive } from "../ports/ports.ts";
import { seenOf } from "../ports/watched.ts";
import {
  APPLY_TIMEOUT_MS,
  attribute,
  defineAction,
  happened,
  MINUTE_MS,
  notHappened,
  pending,
  unknown,
} from "./define.ts";
import { assertReplaced, pickDrive } from "./drives.ts";

const system = z.string().min(1).optional().describe("the BMC's name of it; default: the attribute `bmc`, else the id");
const systemOf = ({ target }: EffectContext, given: string | undefined): string =>
  given ?? attribute(target, "bmc") ?? target.id;

const reportInput = z.strictObject({
  device: z
    .string()
    .min(1)
    .optional()
    .describe("id, slot or serial of the drive that is meant, when there are several"),
  system,
});
const driveShape = z.object({
  id: z.string(),
  slot: z.string(),
  serial: z.string(),
  model: z.string(),
  health: z.enum(["ok", "warning", "critical", "unknown"]),
  failurePredicted: z.boolean().nullable(),
});
const plain = ({ id, slot, serial, model, health, failurePredicted }: Drive) => ({
  id,
  slot,
  serial,
  model,
  health,
  failurePredicted,
});

const smartReport = defineAction<z.infer<typeof reportInput>>({
  name: "host.smartReport",
  version: 1,
  summary: "Reads the drives from the BMC and names the failing one; unknown when it is not certain which.",
  risk: "read",
  input: reportInput,
  aims: ["system"],
  output: driveShape.omit({ id: true, failurePredicted: true }).extend({ drives: z.array(driveShape) }),
  applyTimeoutMs: APPLY_TIMEOUT_MS,
  lifeMs: 0,
  defaultWithinMs: 5 * MINUTE_MS,
  perform: {
    async observe(context, { device, system: name }) {
      const drives = await context.ports.bmc.drives(systemOf(context, name));
      const picked = pickDrive(drives, device);
      if (!picked.ok) return unknown(picked.why);
      const { serial, slot, model, health } = picked.drive;
      const detail = `drive ${serial} (${model}) in slot ${slot}, health ${health}: ${picked.why}`;
      return happened(detail, { serial, slot, model, health, drives: drives.map(plain) });
    },
  },
});

const replacedInput = z.strictObject({
  oldSerial: z.string().min(1).describe("serial number of the drive that had to go"),
  slot: z.string().min(1).optional().describe("where the new one must be; without it every drive must be fine"),
  system,
});

const assertDiskReplaced = defineAction<z.infer<typeof replacedInput>>({
  name: "host.assertDiskReplaced",
  version: 1,
  summary:
    "Holds only when the old drive is gone from every slot and a healthy one with another serial is in its place.",
  risk: "read",
  input: replacedInput,
  aims: ["system"],
  output: z.object({ serial: z.string(), slot: z.string() }),
  applyTimeoutMs: APPLY_TIMEOUT_MS,
  lifeMs: 0,
  defaultWithinMs: 15 * MINUTE_MS,
  perform: {
    async observe(context, { oldSerial, slot, system: name }) {
      return assertReplaced(await context.ports.bmc.drives(systemOf(context, name)), oldSerial, slot);
    },
  },
});

const powerInput = z.strictObject({ system });
type PowerInput = z.infer<typeof powerInput>;

function power(to: "on" | "off"): Operation<PowerInput> {
  return {
    apply: (context, { system: name }) => context.ports.bmc.setPower(systemOf(context, name), to),
    async observe(context, { system: name }) {
      const ref = systemOf(context, name);
      const now = await context.ports.bmc.power(ref);
      if (now === to) return happened(`the power of ${ref} is ${now}`);
      // A BMC says the old state for some seconds after it has accepted: `lifeMs` covers that.
      if (now !== "changing") return notHappened(`the power of ${ref} is ${now}`);
      return pending(`the power of ${ref} is changing`, "bmc", ref, seenOf.power(now));
    },
  };
}

const powered = {
  version: 1,
  input: powerInput,
  aims: ["system"],
  output: z.object({}),
  applyTimeoutMs: APPLY_TIMEOUT_MS,
  lifeMs: 30_000,
  defaultWithinMs: 5 * MINUTE_MS,
} as const;

export const hostActions: AnyAction[] = [
  smartReport,
  assertDiskReplaced,
  defineAction<PowerInput>({
    ...powered,
    name: "host.powerOff",
    summary: "Cuts the power through the BMC, without asking the operating system.",
    risk: "high",
    refusedWhenThere: true,
    perform: power("off"),
    undo: power("on"),
  }),
  defineAction<PowerInput>({
    ...powered,
    name: "host.powerOn",
    summary: "Switches the power on through the BMC.",
    risk: "low",
    perform: power("on"),
  }),
];
