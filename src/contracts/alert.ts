/** One normalised firing or resolved fact. Times are ISO 8601 in UTC. */
export interface Alert {
  /** Identity of the label set, as the source computes it. */
  fingerprint: string;
  status: "firing" | "resolved";
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  /** null while it fires. */
  endsAt: string | null;
  /** The source's name in our configuration, e.g. `alertmanager`. */
  source: string;
  receivedAt: string;
}

/** A fault: fingerprint + startsAt (design §3 law 5). Built only by `faultKey` in ids.ts. */
export type FaultKey = string & { readonly __brand: "FaultKey" };

/** Largest alert, as JSON in UTF-8, that is let in (design §3 law 13). */
export const MAX_ALERT_BYTES = 16 * 1024;

export type Severity = "critical" | "warning" | "info";
export const SEVERITIES: readonly Severity[] = ["critical", "warning", "info"];

/** The `severity` label in our three words; what is not known counts as a warning. */
export function severityOf(labels: Record<string, string>): Severity {
  const label = (labels["severity"] ?? "").toLowerCase();
  if (["critical", "page", "emergency", "error"].includes(label)) return "critical";
  return label === "info" || label === "none" ? "info" : "warning";
}
