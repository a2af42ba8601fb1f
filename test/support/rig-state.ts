/** The state of the world and of the record after a scenario, in one small object: tests compare this, not calls. */
import { parseEffectKey } from "../../src/contracts/ids.ts";
import type { EffectState } from "../../src/contracts/effect.ts";
import type { Lab } from "../../src/lab/lab.ts";
import { INITIAL_WEIGHT } from "../../src/lab/traffic.ts";
import type { RecordStore, RemediationStory } from "../../src/record/api.ts";

/** The one rung of the shipped runbook goes without saying. */
const SHIPPED_RUNG = "replace";

export interface RecordState {
  outcome: string | null;
  needsHuman: boolean;
  detail: string;
  /** Codes of the last verdict that stood against it. */
  reasons: string[];
  /** By step and direction: `drain`, `drain/undo`, `drain@25/finishHealthy`; of other rungs `<rung>:drain`. */
  effects: Record<string, EffectState>;
  /** Scopes that it still holds. */
  leases: string[];
  /** It goes on counting in its group, because it was left out of service. */
  leftOut: boolean;
  /** `page sent`, `message failed`: what people were told, in order. */
  told: string[];
}

export interface WorldState {
  /** `ready 100 %`; null: in no pool. */
  server: string | null;
  rebuilds: number;
  /** States of the tickets about this host, oldest first. */
  tickets: string[];
  /** Active silences of this host. */
  silences: number;
}

/** Nothing in the world was touched. */
export const UNTOUCHED: WorldState = { server: "ready 100 %", rebuilds: 0, tickets: [], silences: 0 };
/** Healed: it serves again with its new disk. */
export const BACK: WorldState = { server: "ready 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 };

/** Refused before anything was done, and a person was told. */
export const REFUSED = { outcome: "refused", needsHuman: true, effects: {}, told: ["page sent"] };
/** Of the shipped runbook, up to its ticket. */
export const ALL_TAKEN_BACK: RecordState["effects"] = {
  silence: "happened",
  drain: "happened",
  dc: "happened",
  "dc/undo": "happened",
  "drain/undo": "happened",
  "silence/undo": "happened",
};

export async function recordState(record: RecordStore, story: RemediationStory): Promise<RecordState> {
  const { remediation, effects, escalations } = story;
  const last = story.verdicts.at(-1)?.verdict.results ?? [];
  const leases = (await record.leases()).filter((lease) => lease.remediationId === remediation.remediationId);
  return {
    outcome: remediation.outcome,
    needsHuman: remediation.needsHuman,
    detail: remediation.detail,
    reasons: last.filter((result) => result.outcome !== "pass").map((result) => result.code),
    effects: Object.fromEntries(effects.map((effect) => [nameOf(effect.key), effect.state])),
    leases: leases
      .filter((lease) => lease.state !== "leftOut")
      .map((lease) => `${lease.scope} ${lease.state}`)
      .sort(),
    leftOut: leases.some((lease) => lease.state === "leftOut"),
    told: escalations.map((one) => `${one.route} ${one.sentAt === null ? "failed" : "sent"}`),
  };
}

function nameOf(key: string): string {
  const parsed = parseEffectKey(key);
  if (parsed === null) throw new Error(`no effect key: ${key}`);
  const rung = parsed.rung === SHIPPED_RUNG ? "" : `${parsed.rung}:`;
  return `${rung}${parsed.step}${parsed.direction === "apply" ? "" : `/${parsed.direction}`}`;
}

export function worldState(lab: Lab, id: string): WorldState {
  const { world } = lab;
  world.clock.catchUp();
  const host = world.host(id);
  const server = host.pool === null ? null : world.traffic.server(host.pool, id);
  const silences = [...world.silences.values()].filter(
    ({ matchers, endsAt }) =>
      endsAt > world.clock.wall(world.clock.now()) &&
      matchers.some(({ name, value }) => name === "host" && value === id),
  );
  return {
    server: server === null ? null : `${server.admin} ${Math.round((100 * server.weight) / INITIAL_WEIGHT)} %`,
    rebuilds: host.rebuilds,
    tickets: world.tickets
      .all()
      .filter((ticket) => ticket.host === id)
      .map((ticket) => ticket.status),
    silences: silences.length,
  };
}
