/**
 * The record as a caller may see and change it who is confined to some groups: what is of other groups is not there, and
 * what reaches beyond his own is refused. Every method of the API's record stands here, so that a new one asks for its
 * answer. Without confinement everything goes through as it is.
 */
import type { Catalogue } from "../../catalogue/catalogue.ts";
import { normaliseName } from "../../catalogue/identity.ts";
import { GLOBAL_SCOPE } from "../../contracts/scopes.ts";
import { scopeOf } from "../../contracts/ids.ts";
import type { TargetRef } from "../../contracts/target.ts";
import type { Starter } from "../ingest.ts";
import { notAllowed } from "../problems.ts";
import type { Classified, Classify } from "../route.ts";
import type { Item } from "../sources/source.ts";
import { confinedGroups } from "./caller.ts";
import type { AppDependencies } from "./context.ts";

type ApiRecord = AppDependencies["record"];

/** The group of a target, by the inventory; null: it is not known, and so nobody's. */
export type GroupOf = (target: TargetRef) => string | null;

function inReach(group: string | null): boolean {
  const groups = confinedGroups();
  return groups === null || (group !== null && groups.includes(group));
}

/** @throws ProblemError (403) when the target's group is none of those that the caller is confined to. */
export function requireInReach(group: string): void {
  if (!inReach(group)) throw beyondReach(confinedGroups() ?? []);
}

function beyondReach(groups: readonly string[]): Error {
  return notAllowed(`the target is of no group of this token (${groups.join(", ")})`);
}

export function withinGroups(record: ApiRecord, groupOf: GroupOf): ApiRecord {
  const ofTarget = <T extends { target: TargetRef | null }>(rows: T[]): T[] =>
    rows.filter(({ target }) => inReach(target === null ? null : groupOf(target)));
  const ofGroup = <T extends { group: string }>(rows: T[]): T[] => rows.filter(({ group }) => inReach(group));
  /** What stands above the caller's groups concerns him: he sees it. */
  const visible = <T extends { scope: string }>(rows: T[]): T[] =>
    rows.filter(({ scope }) => {
      const group = groupOfScope(scope, groupOf);
      return group === ABOVE || inReach(group);
    });
  /** The record, for whoever may change what is in this scope. */
  const changing = (scope: string): ApiRecord => {
    const groups = confinedGroups();
    const group = groupOfScope(scope, groupOf);
    if (groups === null || (group !== ABOVE && inReach(group))) return record;
    throw notAllowed(`${scope} reaches beyond the groups of this token (${groups.join(", ")})`);
  };
  /** As `changing`, of each of these rows: some that the caller sees are beyond him. */
  const changingRows = (rows: readonly { id: string; scope: string }[], ids: readonly string[]): ApiRecord => {
    for (const { id, scope } of rows) if (ids.includes(id)) changing(scope);
    return record;
  };
  return {
    ...only(record, UNCONFINED),
    list: (filter) => record.list({ ...filter, groups: confinedGroups() }),
    find: async (text) => {
      const row = await record.find(text);
      return row !== null && inReach(row.group) ? row : null;
    },
    story: async (id) => {
      const story = await record.story(id);
      return story !== null && inReach(story.remediation.group) ? story : null;
    },
    queue: async () => ofTarget(await record.queue()),
    alerts: (filter) => record.alerts({ ...filter, groups: confinedGroups() }),
    leases: () => leasesOf(record),
    holds: async () => ofTarget(await record.holds()),
    ownHolds: async () => ofTarget(await record.ownHolds()),
    leftOut: async () => ofGroup(await record.leftOut()),
    standingRows: async () => ofGroup(await record.standingRows()),
    pauses: async () => visible(await record.pauses()),
    breakers: async () => visible(await record.breakers()),
    windows: async () => visible(await record.windows()),

    pause: async (wish) => changing(wish.scope).pause(wish),
    resume: async (id, by) => changingRows(await record.pauses(), [id]).resume(id, by),
    waitingUnder: async (scope) => changing(scope).waitingUnder(scope),
    resetBreakers: async (reset) => changing(reset.scope).resetBreakers(reset),
    back: async (target, by, reason) => changing(scopeOf.target(target)).back(target, by, reason),
    openWindow: async (wish) => changing(wish.scope).openWindow(wish),
    closeWindows: async (ids, by) => changingRows(await record.windows(), ids).closeWindows(ids, by),
    hold: async (wish) => changing(scopeOf.target(wish.target)).hold(wish),
    releaseHold: async (target, holder, by) => changing(scopeOf.target(target)).releaseHold(target, holder, by),
    setMode: async (wish) => changing(wish.scope).setMode(wish),
    // What a promotion is refused for tells what the runbook has shown there.
    cases: async (withinMs, of) =>
      (of === undefined ? record : changing(scopeOf.runbookInGroup(of.runbook, of.group))).cases(withinMs, of),
    giveStanding: async (wish) => changing(scopeOf.group(wish.group)).giveStanding(wish),
    withdrawStanding: async (id, by) => {
      const rows = (await record.standingRows()).map((row) => ({ id: row.id, scope: scopeOf.group(row.group) }));
      return changingRows(rows, [id]).withdrawStanding(id, by);
    },
  };
}

/** Of no group; or asked about a remediation that was found before; or of routes that need their role everywhere. */
const UNCONFINED = [
  ...(["ping", "now", "activeVersion", "catalogue", "admissibleWaiters", "countedFacts", "modes"] as const),
  ...(["issueToken", "append", "releaseLeases", "review", "verdicts"] as const),
  ...(["attest", "attestations", "newestOfControl"] as const),
  ...(["createApiToken", "revokeApiToken", "apiTokens", "apiTokenOf", "hasApiTokens"] as const),
  ...(["signedBodySeen", "signedBodyTaken"] as const),
  // Of the caller, whatever he may see.
  ...(["claimRequest", "keepAnswer", "giveUpRequest"] as const),
  ...(["measured", "unmatchedAlerts", "target", "problemOf", "postmortem"] as const),
] as const;

/** Of remediations in reach: a scope may be of no one group. */
async function leasesOf(record: ApiRecord): ReturnType<ApiRecord["leases"]> {
  const leases = await record.leases();
  if (confinedGroups() === null) return leases;
  const ids = [...new Set(leases.map((one) => one.remediationId))];
  const rows = await Promise.all(ids.map((id) => record.find(id)));
  const own = rows.flatMap((row) => (row !== null && inReach(row.group) ? [row.remediationId] : []));
  return leases.filter(({ remediationId }) => own.includes(remediationId));
}

function only<K extends keyof ApiRecord>(record: ApiRecord, names: readonly K[]): Pick<ApiRecord, K> {
  return Object.fromEntries(names.map((name) => [name, record[name]])) as Pick<ApiRecord, K>;
}

/** By the inventory in use. */
export function groupsBy(catalogue: () => Catalogue | null): GroupOf {
  return ({ kind, id }) => {
    const inventory = catalogue()?.inventory;
    return inventory?.byName.get(kind)?.get(normaliseName(id, inventory.domains))?.group ?? null;
  };
}

/** Whoever is confined to groups asks for remediations of their targets only. */
export function confinedStarter(starter: Starter, classify: Classify): Starter {
  return {
    redeliver: (options) => starter.redeliver(options),
    ingest: async (batch) => {
      const groups = confinedGroups();
      const beyond = (item: Item): boolean => item.kind === "alert" && !isIn(groups ?? [], classify(item.alert));
      if (groups !== null && batch.items.some(beyond)) {
        throw beyondReach(groups);
      }
      return starter.ingest(batch);
    },
  };
}

function isIn(groups: readonly string[], classified: Classified): boolean {
  const target = classified.kind === "noTarget" ? null : classified.target;
  return target !== null && target !== undefined && groups.includes(target.group);
}

/** It is of no one group: seen by everybody, changed only by whoever is confined to none. */
const ABOVE = Symbol("above all groups");

function groupOfScope(scope: string, groupOf: GroupOf): string | null | typeof ABOVE {
  if (scope === GLOBAL_SCOPE) return ABOVE;
  const [, kind, rest = ""] = /^(\w+):(.*)$/s.exec(scope) ?? [];
  if (kind === "group") return decodeURIComponent(rest);
  if (kind === "runbook" && rest.includes("@")) return decodeURIComponent(rest.slice(rest.indexOf("@") + 1));
  if (kind !== "target") return ABOVE;
  const [targetKind = "", id = ""] = rest.split(":").map(decodeURIComponent);
  return groupOf({ kind: targetKind, id });
}
