import type { MeasuredEffect, MeasuredRow } from "../../src/contracts/measures.ts";

/** `12:34` of one day, as ISO. */
export function at(time: string): string {
  return `2026-10-10T${time.length === 5 ? `${time}:00` : time}.000Z`;
}

export function aRow(changes: Partial<MeasuredRow> = {}): MeasuredRow {
  return {
    remediationId: "r1",
    target: { kind: "host", id: "web-1" },
    runbook: "disk",
    group: "web",
    owner: "sre",
    severity: "warning",
    outcome: "healed",
    needsHuman: false,
    openedAt: at("10:00:01"),
    closedAt: at("10:30"),
    startedAt: at("09:58"),
    receivedAt: at("10:00"),
    alertnames: ["SmartDiskFailing"],
    previousClosedAt: null,
    firstEffectAt: at("10:01"),
    cost: 5,
    effects: [],
    ticketWaits: [],
    marks: [],
    approved: false,
    review: null,
    codes: [],
    pruned: false,
    auditLagMs: 2,
    ...changes,
  };
}

export function anEffect(changes: Partial<MeasuredEffect> = {}): MeasuredEffect {
  const base = {
    rung: "light",
    step: "drain",
    action: "loadbalancer.drain",
    direction: "apply",
    state: "happened",
  } as const;
  return { ...base, at: at("10:01"), request: null, result: null, ...changes };
}
