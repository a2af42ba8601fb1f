/** Says of each alert where it goes. Pure; mirrors `remediation.open`, which classifies again when the episode starts. */
import { severityOf, type Alert, type Severity } from "../contracts/alert.ts";
import { workflowId } from "../contracts/ids.ts";
import { UNKNOWN_KIND, type TargetRef } from "../contracts/target.ts";
import type { ReceivedAlert } from "../record/api.ts";
import type { FieldFault } from "./problems.ts";
import type { Item } from "./sources/source.ts";

/** What of the catalogue's classification a starter needs. */
export type Classified =
  | {
      kind: "matched";
      runbook: { name: string; reopenAfterMs?: number | null };
      target: TargetRef & { group: string };
      places?: string[];
      joinKey: string;
    }
  | { kind: "unmatched"; target?: (TargetRef & { group: string }) | null; places?: string[]; detail: string }
  | { kind: "noTarget"; code: string; detail: string };
export type Classify = (alert: Alert) => Classified;

export type Route =
  | {
      kind: "deliver";
      alert: Alert;
      target: TargetRef;
      /** null: nobody can name a remedy or the target; a person is told by a remediation of the stand-in target. */
      runbook: string | null;
      group: string;
      places: string[];
      severity: Severity;
      joinKey: string;
      reopenAfterMs: number | null;
      reason: string | null;
    }
  /** Its target, where any identity rule names it: unhealthy is unhealthy, and counts for storms and parents. */
  | { kind: "unmatched"; alert: Alert; target: TargetRef | null; group: string; places: string[]; reason: string }
  | { kind: "ignored"; alert: Alert; reason: string; faults: FieldFault[] };
export type Deliverable = Extract<Route, { kind: "deliver" }>;

/** The server's limit for an id (`limit.maxIDLength`). */
const MAX_WORKFLOW_ID = 1000;

export function routeOf(item: Item, classify: Classify): Route {
  if (item.kind === "refused")
    return { kind: "ignored", alert: item.stub, reason: reasonOf(item.faults), faults: item.faults };
  const { alert } = item;
  const classified = classify(alert);
  if (classified.kind === "unmatched") return toUnmatched(alert, classified);
  if (classified.kind === "noTarget") return toStandIn(alert, `${classified.code}: ${classified.detail}`);
  const target = { kind: classified.target.kind, id: classified.target.id };
  if (target.kind === "" || target.id === "") return toStandIn(alert, "TARGET_EMPTY: the target's kind or id is empty");
  const idLength = workflowId(target).length;
  if (idLength > MAX_WORKFLOW_ID) {
    const reason = `the target's id is too long: it makes a workflow id of ${idLength} characters, the limit is ${MAX_WORKFLOW_ID}`;
    return { kind: "ignored", alert, reason, faults: [] };
  }
  return {
    kind: "deliver",
    alert,
    target,
    runbook: classified.runbook.name,
    group: classified.target.group,
    places: classified.places ?? [],
    severity: severityOf(alert.labels),
    joinKey: classified.joinKey,
    reopenAfterMs: classified.runbook.reopenAfterMs ?? null,
    reason: null,
  };
}

function toUnmatched(alert: Alert, classified: Extract<Classified, { kind: "unmatched" }>): Route {
  const { target: named = null, places = [], detail: reason } = classified;
  const target = named === null ? null : { kind: named.kind, id: named.id };
  return { kind: "unmatched", alert, target, group: named?.group ?? "", places, reason };
}

/** Nobody can name the target: a stand-in of its own for each label set, so that a person is told durably. */
export function toStandIn(alert: Alert, reason: string): Deliverable {
  return {
    kind: "deliver",
    alert,
    target: { kind: UNKNOWN_KIND, id: alert.fingerprint },
    runbook: null,
    group: "",
    places: [],
    severity: severityOf(alert.labels),
    joinKey: alert.fingerprint,
    reopenAfterMs: null,
    reason,
  };
}

function reasonOf(faults: FieldFault[]): string {
  return faults.map((fault) => `${fault.field} is ${fault.value}, right would be ${fault.wouldBeRight}`).join("; ");
}

export function toReceived(route: Route): ReceivedAlert {
  const { alert, reason } = route;
  if (route.kind === "ignored") return { alert, target: null, runbook: null, disposition: "ignored", reason };
  const { target, group, places } = route;
  if (route.kind === "unmatched") {
    return { alert, target, group, places, runbook: null, disposition: "unmatched", reason };
  }
  const { runbook, reopenAfterMs } = route;
  return { alert, target, group, places, runbook, disposition: "received", reason, reopenAfterMs };
}
