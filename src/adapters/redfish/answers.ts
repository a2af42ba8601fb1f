import { z } from "zod";
import type { Drive } from "../../ports/ports.ts";

const link = z.object({ "@odata.id": z.string() });
const status = z.object({ Health: z.string().nullish(), State: z.string().nullish() });

export const system = z.object({
  PowerState: z.string().nullish(),
  Storage: link.nullish(),
  Actions: z.object({ "#ComputerSystem.Reset": z.object({ target: z.string() }).nullish() }).nullish(),
});
export const collection = z.object({ Members: z.array(link), "Members@odata.nextLink": z.string().optional() });
export const storage = z.object({ Drives: z.array(link).default([]) });
export const drive = z.object({
  Id: z.string(),
  SerialNumber: z.string().nullish(),
  Model: z.string().nullish(),
  FailurePredicted: z.boolean().nullish(),
  Status: status.nullish(),
  PhysicalLocation: z
    .object({
      PartLocation: z
        .object({ ServiceLabel: z.string().nullish(), LocationOrdinalValue: z.number().nullish() })
        .nullish(),
    })
    .nullish(),
});
export type RedfishDrive = z.infer<typeof drive>;

const HEALTH: Record<string, Drive["health"]> = { OK: "ok", Warning: "warning", Critical: "critical" };

/** null: the bay is empty. */
export function asDrive(raw: RedfishDrive): Drive | null {
  if (raw.Status?.State === "Absent") return null;
  const part = raw.PhysicalLocation?.PartLocation;
  return {
    id: raw.Id,
    slot: part?.ServiceLabel || part?.LocationOrdinalValue?.toString() || raw.Id,
    serial: (raw.SerialNumber ?? "").trim(),
    model: (raw.Model ?? "").trim(),
    health: HEALTH[raw.Status?.Health ?? ""] ?? "unknown",
    failurePredicted: raw.FailurePredicted ?? null,
  };
}
