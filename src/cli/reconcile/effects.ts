/** Effects: what the record says happened is in the world once, and the world has nothing that the record has not. */
import type { EffectRow } from "../../record/api-effects.ts";
import type { SnapshotRemediation } from "../../record/snapshot.ts";
import type { Facts, WorldChange } from "./facts.ts";
import { about, byId, count, isLeftToPerson, unowned } from "./common.ts";
import type { Checked, Exception } from "./reconcile.ts";

type Remediations = Map<string, SnapshotRemediation>;

export function checkEffects({ record, world }: Facts): Checked {
  const remediations = byId(record);
  const keyed = Map.groupBy(
    world.changes.filter(({ key }) => key !== null),
    ({ key }) => key as string,
  );
  const effects = new Map(record.effects.map((row) => [row.key, row]));
  const exceptions = [
    ...unsettled(record.effects, remediations),
    ...[...keyed].flatMap(([key, all]) => inWorld(key, all, effects.get(key), remediations)),
    ...missing(record.effects, keyed, remediations),
    ...drains(record.effects, world.changes, remediations),
  ];
  const happened = record.effects.filter(({ state }) => state === "happened").length;
  const figures = `${count(record.effects.length, "effect")}, ${happened} happened; by key in the world: ${keyed.size}, each once`;
  return {
    check: "effects",
    figures: exceptions.length === 0 ? figures : figures.replace(", each once", ""),
    exceptions,
  };
}

/** Nobody knows what became of it: fine only when a person knows that. */
function unsettled(effects: readonly EffectRow[], remediations: Remediations): Exception[] {
  return effects.flatMap((row) => {
    if (row.state !== "intent" && row.state !== "pending" && row.state !== "unknown") return [];
    const owner = remediations.get(row.remediationId);
    if (owner === undefined) return [unowned("lost", row.key, "an effect of a remediation that the record has not")];
    const sentence = `${row.action} ${row.direction} is ${row.state}: ${row.detail || "nobody knows whether it happened"}`;
    return [about(isLeftToPerson(owner) ? "person" : "leftBehind", owner, `${sentence} [${row.key}]`)];
  });
}

function inWorld(
  key: string,
  all: readonly WorldChange[],
  row: EffectRow | undefined,
  remediations: Remediations,
): Exception[] {
  const owner = remediations.get(row?.remediationId ?? "");
  if (row === undefined || owner === undefined) {
    return [unowned("lost", key, `${all[0]?.action} was done on ${all[0]?.target}, and the record does not have it`)];
  }
  if (all.length > 1) return [about("doubled", owner, `${row.action} was done ${all.length} times [${key}]`)];
  // It was begun, and did not work (a reinstall that failed): fine only when a person knows that.
  if (row.state === "failed") {
    const kind = isLeftToPerson(owner) ? "person" : "leftBehind";
    return [about(kind, owner, `${row.action} was begun and failed: ${row.detail} [${key}]`)];
  }
  if (row.state !== "notHappened") return [];
  // Taken back before it was settled: that is what notHappened says then.
  if (row.detail.startsWith("taken back")) return [];
  return [about("lost", owner, `${row.action} was done, but the record says notHappened: ${row.detail} [${key}]`)];
}

/** Recorded as done, and the world shows no trace. Only actions of which the world keeps keys can be looked for. */
function missing(
  effects: readonly EffectRow[],
  keyed: ReadonlyMap<string, readonly WorldChange[]>,
  remediations: Remediations,
): Exception[] {
  const traced = new Set([...keyed.values()].flat().map(({ action }) => action));
  return effects.flatMap((row) => {
    const owner = remediations.get(row.remediationId);
    const done = row.direction === "apply" && row.state === "happened";
    if (!done || owner === undefined || !traced.has(row.action) || keyed.has(row.key)) return [];
    return [about("lost", owner, `${row.action} is recorded as done, but the world has no trace of it [${row.key}]`)];
  });
}

/** A drain carries no key. It changes the world at most once for each effect that drains. */
function drains(
  effects: readonly EffectRow[],
  changes: readonly WorldChange[],
  remediations: Remediations,
): Exception[] {
  const allowed = Map.groupBy(
    effects.filter(
      ({ action, direction }) => action === DRAIN && (direction === "apply" || direction === "finishOtherwise"),
    ),
    ({ remediationId }) => remediations.get(remediationId)?.target.id ?? "",
  );
  const done = Map.groupBy(
    changes.filter(({ action }) => action === DRAIN),
    ({ target }) => target,
  );
  return [...done].flatMap(([target, all]) => {
    const most = allowed.get(target)?.length ?? 0;
    if (all.length <= most) return [];
    return [unowned("doubled", target, `drained ${all.length} times, for ${count(most, "effect")}`)];
  });
}

export const DRAIN = "loadbalancer.drain";
