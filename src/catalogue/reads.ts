/**
 * What of an alert a runbook reads. Alerts of one runbook and one target that agree in it get the same probe, the same
 * evidence to collect and the same plan: what was compiled for one of them holds for all. Rather one label too many.
 */
import type { Alert } from "../contracts/alert.ts";
import type { Json } from "../contracts/json.ts";
import { canonicalJson } from "./canonical.ts";
import type { Catalogue, Runbook } from "./catalogue.ts";
import { pathsIn } from "./expression.ts";
import { textsIn, templatesIn } from "./template.ts";

/** Makes of an alert a text that is equal where compiling this runbook for one target cannot tell two alerts apart. */
export function readsOf(catalogue: Catalogue, runbook: Runbook): (alert: Alert) => string {
  const paths = expressionsOf(catalogue, runbook)
    .flatMap(pathsIn)
    .filter(([root]) => root === "alert");
  const isPlain = ([, field, label]: string[]): boolean =>
    field === "source" || field === "severity" || (field === "labels" && label !== undefined);
  if (!paths.every(isPlain)) return ({ labels, source }) => canonicalJson([source, labels]);
  const readsSource = paths.some(([, field]) => field === "source");
  const named = paths.flatMap(([, field, label]) => (field === "labels" && label !== undefined ? [label] : []));
  const security = catalogue.approvals.security.flatMap((entry) => Object.keys(entry));
  const names = [...new Set(["severity", ...named, ...security])];
  return ({ labels, source }) =>
    JSON.stringify([readsSource ? source : null, ...names.map((name) => labels[name] ?? null)]);
}

/** All that is evaluated when a probe, the evidence or a plan is compiled. */
function expressionsOf({ probes, slis, slos }: Catalogue, { spec }: Runbook): string[] {
  const written = [spec, probes, slis, slos] as unknown as Json[];
  return [spec.require, ...written.flatMap(textsIn).flatMap(templatesIn)];
}
