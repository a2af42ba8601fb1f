/** A closed remediation as spans, from the record: the whole of it, and its waits, in which no activity runs. */
import type { Mark } from "../contracts/measures.ts";
import { peopleSpans } from "../measures/spans.ts";
import type { Stretch } from "../ports/trace.ts";
import type { AuditRow, RemediationStory } from "../record/api.ts";

export type WholeStory = Pick<RemediationStory, "remediation" | "alerts" | "waits" | "audit">;

export interface WholeTrace {
  whole: Stretch & { error: string | null };
  waits: Stretch[];
}

/** Null: it is not closed. */
export function wholeTrace({ remediation, alerts, waits, audit }: WholeStory): WholeTrace | null {
  const { closedAt, openedAt, target, outcome } = remediation;
  if (closedAt === null) return null;
  const { remediationId, runbook, group, owner, severity, needsHuman } = remediation;
  // From the alert on, so that the webhook lies within.
  const startMs = Math.min(...[openedAt, ...alerts.map(({ receivedAt }) => receivedAt)].map((at) => Date.parse(at)));
  const endMs = Date.parse(closedAt);
  const attributes = {
    "selfheal.remediation.id": remediationId,
    "selfheal.target": `${target.kind}/${target.id}`,
    "selfheal.runbook": runbook,
    "selfheal.group": group,
    "selfheal.owner": owner,
    "selfheal.severity": severity,
    "selfheal.outcome": outcome,
    "selfheal.needs_human": needsHuman,
  };
  const marks = audit.flatMap(markOf);
  return {
    whole: { name: "remediation", startMs, endMs, attributes, error: outcome === "failed" ? "failed" : null },
    waits: [
      ...waits.map(({ system, ref, since, doneAt }) => ({
        ...{ name: `wait for ${system}`, startMs: Date.parse(since), endMs: Date.parse(doneAt ?? closedAt) },
        attributes: { "peer.service": system, "selfheal.ref": ref },
      })),
      ...peopleSpans({ marks, closedAt }).map(({ from, to }) => ({
        ...{ name: "wait for people", startMs: Date.parse(from), endMs: Date.parse(to), attributes: {} },
      })),
    ],
  };
}

/** As record/measures.ts reads them: a command that did not count made nobody wait. */
function markOf({ at, kind, body }: AuditRow): Mark[] {
  const { phase, command, status } = body;
  switch (kind) {
    case "progress":
      return [{ at, kind, what: typeof phase === "string" ? phase : "" }];
    case "command":
      return status === "counted" ? [{ at, kind, what: typeof command === "string" ? command : "" }] : [];
    case "held":
    case "effectIntended":
      return [{ at, kind, what: "" }];
    default:
      return [];
  }
}
