/**
 * Caps, seen twice: at no instant did the world have more targets of a scope drained by remediations in flight than it
 * may, and at none did the record let more of them in.
 */
import type { SnapshotRemediation } from "../../record/snapshot.ts";
import { DRAIN } from "./effects.ts";
import type { Facts, WorldChange } from "./facts.ts";
import { byId, count, unowned } from "./common.ts";
import type { Checked } from "./reconcile.ts";

interface Interval {
  target: string;
  fromMs: number;
  untilMs: number;
}

export function checkCaps({ record, world }: Facts): Checked {
  const scopes = new Map<string, { max: number; intervals: Interval[] }>();
  const changes = Map.groupBy(world.changes, ({ target }) => target);
  for (const one of record.remediations) {
    const intervals = drainedBy(one, changes.get(one.target.id) ?? []);
    for (const { scope, max } of one.caps) {
      const known = scopes.get(scope) ?? { max, intervals: [] };
      scopes.set(scope, { max: Math.max(max, known.max), intervals: [...known.intervals, ...intervals] });
    }
  }
  const seen = [...scopes].map(([scope, { max, intervals }]) => ({ scope, max, most: mostAtOnce(intervals) }));
  const exceptions = seen
    .filter(({ max, most }) => most > max)
    .map(({ scope, max, most }) => unowned("overLimit", scope, `${most} were drained at once, allowed are ${max}`));
  return { check: "caps", figures: `drained at once, at most: ${figuresOf(seen) || "no scope has a cap"}`, exceptions };
}

/** Whoever was let in found room by its own plan in each scope: the leases are counted at the moment of each admission. */
export function checkAdmissions({ record }: Facts): Checked {
  const remediations = byId(record);
  const held = record.admissions.flatMap(({ scopes, ...one }) => scopes.map((scope) => ({ scope, ...one })));
  const scopes = [...Map.groupBy(held, ({ scope }) => scope)];
  const exceptions = scopes.flatMap(([scope, all]) => {
    const crowds = all.map(({ remediationId, admittedAt: at }) => ({
      now: all.filter((one) => one.admittedAt <= at && (one.releasedAt === null || one.releasedAt > at)).length,
      max: capOf(remediations.get(remediationId), scope),
    }));
    const over = crowds.filter(({ now, max }) => now > max).sort((a, b) => b.now - a.now)[0];
    return over ? [unowned("overLimit", scope, `${over.now} held it at once, allowed are ${over.max}`)] : [];
  });
  const figures = `${count(record.admissions.length, "admission")} to ${count(scopes.length, "scope")}`;
  return { check: "admissions", figures, exceptions };
}

/** A target is its remediation's alone, whatever the plan says. */
function capOf(remediation: SnapshotRemediation | undefined, scope: string): number {
  if (scope.startsWith("target:")) return 1;
  return remediation?.caps.find((cap) => cap.scope === scope)?.max ?? Infinity;
}

/** While its remediation was in flight. What stays drained after it, for a person, holds no lease. */
function drainedBy({ target, openedAt, closedAt }: SnapshotRemediation, changes: readonly WorldChange[]): Interval[] {
  const [opened, closed] = [Date.parse(openedAt), closedAt === null ? Infinity : Date.parse(closedAt)];
  const intervals: Interval[] = [];
  let fromMs: number | null = null;
  for (const { action, at } of changes) {
    const atMs = Date.parse(at);
    if (atMs < opened || atMs > closed) continue;
    if (action === DRAIN) fromMs ??= atMs;
    if (action === "loadbalancer.restore" && fromMs !== null) {
      intervals.push({ target: target.id, fromMs, untilMs: atMs });
      fromMs = null;
    }
  }
  return fromMs === null ? intervals : [...intervals, { target: target.id, fromMs, untilMs: closed }];
}

/** One that ends at an instant makes room for one that begins at it. */
function mostAtOnce(intervals: readonly Interval[]): number {
  const steps = intervals.flatMap(({ fromMs, untilMs }) => [
    { at: fromMs, by: 1 },
    { at: untilMs, by: -1 },
  ]);
  steps.sort((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  let most = 0;
  for (const { by } of steps) most = Math.max(most, (now += by));
  return most;
}

/** Each group; of racks and the like only the fullest kind, because there are many. */
function figuresOf(seen: readonly { scope: string; max: number; most: number }[]): string {
  const kinds = Map.groupBy(seen, ({ scope }) => (scope.startsWith("group:") ? scope : `each ${scope.split(":")[0]}`));
  return [...kinds]
    .map(
      ([name, all]) =>
        `${name} ${Math.max(...all.map(({ most }) => most))} of ${Math.max(...all.map(({ max }) => max))}`,
    )
    .join(", ");
}
