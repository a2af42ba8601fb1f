/** A person asks for a remediation: an alert like any other, of the source `manual`, with his name on it. */
import { createHash } from "node:crypto";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { whyUnknown } from "../catalogue/people.ts";
import { MANUAL_SOURCE, REQUESTED_BY } from "../record/approvals.ts";
import type { AlertResult, Starter } from "./ingest.ts";
import { notAllowed, throughRecord } from "./problems.ts";
import { MANUAL_PREFIX } from "./sources/bounds.ts";

export interface RequestDependencies {
  starter: Pick<Starter, "ingest">;
  active: () => Promise<Catalogue>;
  /** ISO. */
  now: () => string;
}
export interface RequestWish {
  /** With `alertname`, as the runbook's `match` and `target.from` want them. */
  labels: Record<string, string>;
  by: string;
  reason: string;
}

/** It is confirmed and decided as every other; whoever asked cannot approve it. */
export async function requestRemediation(deps: RequestDependencies, wish: RequestWish): Promise<AlertResult> {
  const { labels, by, reason } = wish;
  const fault = whyUnknown(await throughRecord("read the active catalogue", deps.active), by, null);
  if (fault !== null) throw notAllowed(fault);
  const now = deps.now();
  const named = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  const alert = {
    fingerprint: `${MANUAL_PREFIX}${createHash("sha256").update(named).digest("hex").slice(0, 16)}`,
    status: "firing" as const,
    labels,
    annotations: { [REQUESTED_BY]: by, summary: reason },
    startsAt: now,
    endsAt: null,
    source: MANUAL_SOURCE,
    receivedAt: now,
  };
  const items = [{ kind: "alert" as const, alert, clipped: false }];
  const { results } = await deps.starter.ingest({ source: MANUAL_SOURCE, items, truncated: 0, group: "" });
  const [result] = results;
  if (result === undefined) throw new Error("the request was taken and nothing is known of it");
  return result;
}
