/** What comes again and again (mission H3): one target, or targets that share a label's value. Pure. */
import type { Trouble } from "../contracts/measures.ts";
import type { Target } from "../contracts/target.ts";
import { scopeOf } from "../contracts/ids.ts";
import { patternsOf, valueOf, type Pattern } from "./patterns.ts";
import { nameOf } from "./report.ts";

export interface Recurrence {
  /** Stable: `target:host:web-1`, `label:model=X1`. */
  pattern: string;
  title: string;
  /** For the ticket: what was seen, and what nobody knows. */
  body: string;
  owner: string;
  /** All that belong to it and are in no problem that was closed; oldest first. */
  remediationIds: string[];
}

export interface RecurrenceSettings {
  /** Of one target; `off`: none. */
  target: number | "off";
  /** Different targets with one value, and how many times the others' share that is. */
  pattern: { targets: number; times: number } | "off";
  labels: readonly string[];
  targets: readonly Target[];
}

/** A remediation that is in a problem already. */
export interface ProblemLink {
  pattern: string;
  remediationId: string;
  /** The problem is open. */
  open: boolean;
}

/**
 * New problems, and open ones with what belongs to them by now. What was in a closed problem counts no more: its pattern
 * must come up anew.
 */
export function recurrencesOf(
  trouble: readonly Trouble[],
  links: readonly ProblemLink[],
  settings: RecurrenceSettings,
): Recurrence[] {
  const state = new Links(links);
  return [...ofTargets(trouble, state, settings), ...ofLabels(trouble, state, settings)];
}

class Links {
  readonly #open: Set<string>;
  readonly #closed: Set<string>;

  constructor(links: readonly ProblemLink[]) {
    this.#open = new Set(links.filter(({ open }) => open).map(({ pattern }) => pattern));
    this.#closed = new Set(
      links.filter(({ open }) => !open).map((one) => JSON.stringify([one.pattern, one.remediationId])),
    );
  }

  isOpen(pattern: string): boolean {
    return this.#open.has(pattern);
  }

  fresh(pattern: string, rows: readonly Trouble[]): Trouble[] {
    return rows.filter(({ remediationId }) => !this.#closed.has(JSON.stringify([pattern, remediationId])));
  }
}

function ofTargets(trouble: readonly Trouble[], links: Links, { target: least }: RecurrenceSettings): Recurrence[] {
  if (least === "off") return [];
  return [...Map.groupBy(trouble, ({ target }) => scopeOf.target(target))].flatMap(([pattern, all]) => {
    const fresh = links.fresh(pattern, all);
    const [first] = fresh;
    if (first === undefined || (fresh.length < least && !links.isOpen(pattern))) return [];
    const name = nameOf(first.target);
    return [recurrence(pattern, `${name} needs healing again and again`, fresh)];
  });
}

function ofLabels(trouble: readonly Trouble[], links: Links, settings: RecurrenceSettings): Recurrence[] {
  const { pattern: least, labels, targets } = settings;
  if (least === "off") return [];
  const isMuch = ({ affected, others, times }: Pattern): boolean =>
    affected >= least.targets && others > 0 && (times === null || times >= least.times);
  const byName = new Map(targets.map((target) => [scopeOf.target(target), target]));
  const found = patternsOf(
    trouble.map(({ target }) => target),
    { targets, labels },
  );
  return found.flatMap((one) => {
    const pattern = `label:${one.label}=${one.value}`;
    const hasValue = ({ target }: Trouble): boolean => {
      const known = byName.get(scopeOf.target(target));
      return known !== undefined && valueOf(known, one.label) === one.value;
    };
    const fresh = links.fresh(pattern, trouble.filter(hasValue));
    const different = new Set(fresh.map(({ target }) => scopeOf.target(target))).size;
    if (fresh.length === 0 || !(links.isOpen(pattern) || (isMuch(one) && different >= least.targets))) return [];
    const share =
      one.times === null ? "no other target has any" : `${Math.round(one.times)} times the share of all others`;
    const title = `${one.affected} of ${one.targets} targets with ${one.label} ${one.value} need healing, ${share}`;
    return [recurrence(pattern, title, fresh)];
  });
}

const MOST_LISTED = 50;

function recurrence(pattern: string, title: string, rows: readonly Trouble[]): Recurrence {
  const sorted = rows.toSorted((a, b) => (a.closedAt < b.closedAt ? -1 : 1));
  const lines = sorted.slice(-MOST_LISTED).map(lineOf);
  const owners = Map.groupBy(sorted, ({ owner }) => owner);
  const [owner = ""] = [...owners].sort(([, a], [, b]) => b.length - a.length).map(([name]) => name);
  const body = [
    `${title}. Healing hides what is behind it: somebody must find the cause.`,
    "",
    `Pattern: ${pattern}`,
    `Owner: ${owner || "nobody is named"}`,
    `Remediations (${sorted.length}):`,
    ...lines,
    "",
    "selfheal adds further ones here. Set this ticket to resolved once the cause is gone: the same pattern then opens a new one.",
  ].join("\n");
  return { pattern, title, body, owner, remediationIds: sorted.map(({ remediationId }) => remediationId) };
}

function lineOf({ closedAt, target, runbook, outcome, alertnames, remediationId }: Trouble): string {
  return `${closedAt} ${nameOf(target)}: ${alertnames.join(" ") || "-"}, ${runbook ?? "no runbook"}, ${outcome} (${remediationId})`;
}
