import { randomUUID } from "node:crypto";
import type { AlertMessage } from "../../src/contracts/messages.ts";

/** A signal of the size of ours, for the bare workflows. */
export function bareMessage(name: string): AlertMessage {
  const at = new Date().toISOString();
  return {
    alert: {
      fingerprint: name,
      status: "firing",
      labels: { alertname: "SmartDiskFailing", host: name, device: "/dev/sda", severity: "critical", team: "sre" },
      annotations: { summary: `Disk /dev/sda failing on ${name}` },
      startsAt: at,
      endsAt: null,
      source: "alertmanager",
      receivedAt: at,
    },
    remediationId: randomUUID(),
    joinKey: name,
  };
}
