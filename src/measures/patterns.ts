/** What the targets of trouble have in common: by labels of the inventory, compared with everybody else's share. Pure. */
import type { Target, TargetRef } from "../contracts/target.ts";

export interface Pattern {
  /** `model` */
  label: string;
  value: string;
  /** Different targets with the value that had trouble, and all of the inventory that have it. */
  affected: number;
  targets: number;
  /** Targets of the inventory without the value. */
  others: number;
  remediations: number;
  /** How many times the share of the others; null: none of those had trouble, or there are none. */
  times: number | null;
}

export interface PatternSource {
  targets: readonly Target[];
  labels: readonly string[];
}

/** The value of a label, an attribute that is a text or a number, or the place of that name; null: it has none. */
export function valueOf(target: Target, label: string): string | null {
  if (label === "rack" || label === "region") return target[label];
  const value = target.labels[label] ?? target.attributes[label] ?? null;
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

/** One row a value that at least one of `troubled` has; those of most affected targets first. */
export function patternsOf(troubled: readonly TargetRef[], { targets, labels }: PatternSource): Pattern[] {
  const key = ({ kind, id }: TargetRef): string => JSON.stringify([kind, id]);
  const times = new Map<string, number>();
  for (const one of troubled) times.set(key(one), (times.get(key(one)) ?? 0) + 1);
  const affectedInAll = targets.filter((target) => times.has(key(target))).length;
  const patterns = labels.flatMap((label) => {
    const byValue = Map.groupBy(targets, (target) => valueOf(target, label));
    return [...byValue].flatMap(([value, members]) => {
      const affected = members.filter((target) => times.has(key(target)));
      if (value === null || affected.length === 0) return [];
      const others = { targets: targets.length - members.length, affected: affectedInAll - affected.length };
      const share = others.targets === 0 ? 0 : others.affected / others.targets;
      const remediations = affected.reduce((sum, target) => sum + (times.get(key(target)) ?? 0), 0);
      const ratio = share === 0 ? null : affected.length / members.length / share;
      const counts = { affected: affected.length, targets: members.length, others: others.targets, remediations };
      return [{ label, value, ...counts, times: ratio }];
    });
  });
  return patterns.sort((a, b) => b.affected - a.affected || (a.label + a.value < b.label + b.value ? -1 : 1));
}
