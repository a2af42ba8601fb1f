/** Which labels of alerts became which targets, by which rule, and which could not and why. */
import { createHash } from "node:crypto";
import type { Alert } from "../contracts/alert.ts";
import type { ReasonCode } from "../contracts/verdict.ts";
import type { Catalogue } from "./catalogue.ts";
import { classify } from "./classify.ts";
import { identify, normaliseName } from "./identity.ts";

export interface IdentityRow {
  labels: Record<string, string>;
  /** Alerts with exactly these labels. */
  alerts: number;
  /** The runbook that matches; null: none does, or more than one. */
  runbook: string | null;
  /** The rule that names the target: `host from host, instance`; null: there is none. */
  rule: string | null;
  /** `host/web-1`; null: nobody can say. */
  target: string | null;
  /** Why not; null where there is a target, or where no runbook asks for one. */
  code: ReasonCode | null;
  detail: string;
  /** A label that no rule names, and that names a target all the same. */
  hint: string | null;
}

/** In the order in which the labels come; each set of labels once. */
export function checkIdentity(catalogue: Catalogue, all: readonly Record<string, string>[]): IdentityRow[] {
  const rows = new Map<string, IdentityRow>();
  for (const labels of all) {
    const key = JSON.stringify(Object.entries(labels).sort());
    const known = rows.get(key);
    if (known === undefined) rows.set(key, rowOf(catalogue, labels));
    else known.alerts++;
  }
  return [...rows.values()];
}

/** Of those that a runbook asks for: without a target nothing is done about them but telling a person. */
export function unnamed(rows: readonly IdentityRow[]): IdentityRow[] {
  return rows.filter(({ code }) => code !== null);
}

function rowOf(catalogue: Catalogue, labels: Record<string, string>): IdentityRow {
  const classified = classify(catalogue, alertOf(labels));
  const base = { labels, alerts: 1, detail: classified.detail, hint: null };
  if (classified.kind === "unmatched") {
    const { target } = classified;
    const named = target === null ? null : `${target.kind}/${target.id}`;
    return { ...base, runbook: null, rule: null, target: named, code: null };
  }
  const name = classified.kind === "matched" ? classified.runbook.name : classified.runbook;
  const asked = catalogue.runbooks.find((runbook) => runbook.name === name)?.spec.target;
  const rule = asked === undefined ? null : `${asked.kind} from ${asked.from.join(", ")}`;
  // A value that is missing for the probe is no matter of identity: the target is known.
  const target = asked === undefined ? null : identify(catalogue.inventory, asked.kind, labels, asked.from).target;
  const named = target === null ? null : `${target.kind}/${target.id}`;
  if (named !== null || classified.kind === "matched")
    return { ...base, runbook: name, rule, target: named, code: null };
  const hint = asked === undefined ? null : hintOf(catalogue, asked, labels);
  return { ...base, runbook: name, rule, target: null, code: classified.code, hint };
}

function hintOf(
  { inventory }: Catalogue,
  { kind, from }: { kind: string; from: readonly string[] },
  labels: Record<string, string>,
): string | null {
  for (const [label, value] of Object.entries(labels)) {
    const found = inventory.byName.get(kind)?.get(normaliseName(value, inventory.domains));
    if (found === undefined || from.includes(label)) continue;
    return `${label}=${JSON.stringify(value)} is ${kind} ${found.id}: put ${label} into target.from of the runbook`;
  }
  return null;
}

function alertOf(labels: Record<string, string>): Alert {
  const fingerprint = createHash("sha256").update(JSON.stringify(labels)).digest("hex").slice(0, 16);
  const at = "1970-01-01T00:00:00.000Z";
  const rest = { status: "firing" as const, annotations: {}, startsAt: at, endsAt: null, receivedAt: at };
  return { fingerprint, labels, source: "alertmanager", ...rest };
}
