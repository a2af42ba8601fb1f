/**
 * The sweeper (design §3): reconciles record, Temporal and world. It looks at each system once, in bulk, repairs what is
 * safe, tells people of the rest once, and leaves what it found in the record, where `selfheal doctor` shows it.
 */
import { messageOf } from "../config/user-error.ts";
import type { FaultHook } from "../contracts/fault-points.ts";
import type { NotifyPort } from "../ports/ports.ts";
import type { RecordStore } from "../record/api.ts";
import type { Finding, SweepRecord } from "../record/api-sweep.ts";
import type { Starter } from "../starters/ingest.ts";
import type { Remediations } from "../starters/remediations.ts";
import { LESSONS_SCHEDULE, SWEEP_SCHEDULE, WATCH_SCHEDULE } from "./schedule.ts";
import { lookAtPulse, pulse, type RecordMark } from "./pulse.ts";
import { lookAtHome } from "./foreign-temporal.ts";
import { lookAtBalancer } from "./sweep-balancer.ts";
import {
  candidate,
  toFinding,
  type Candidate,
  type LookDependencies,
  type Moment,
  type Part,
} from "./sweep-finding.ts";
import { lookAtHeartbeats } from "./sweep-heartbeats.ts";
import { lookAtInboxes } from "./sweep-inboxes.ts";
import { lookAtAlerts, lookAtEscalations, lookAtRecord } from "./sweep-record.ts";
import { sendAgain, tellPeople, type TellDependencies } from "./sweep-tell.ts";
import { lookAtWorkflows, NOT_DONE } from "./sweep-workflows.ts";

export interface SweepDependencies extends LookDependencies {
  record: SweepRecord &
    Pick<
      RecordStore,
      | "now"
      | "undelivered"
      | "returnToOutbox"
      | "temporalHome"
      | "beat"
      | "modes"
      | "orphanLeases"
      | "leaveQueue"
      | "escalation"
      | "escalationSent"
    >;
  starter: Pick<Starter, "redeliver">;
  remediations: Pick<Remediations, "hint" | "recover">;
  notify: NotifyPort;
  mark: RecordMark;
  faultPoint?: FaultHook | undefined;
}

export interface SweepReport {
  found: Finding[];
  /** Parts that could not be looked at or told, with the reason. The others were all the same. */
  failures: string[];
}

interface Looked {
  candidates: Candidate[];
  looked: Part[];
  failures: string[];
  /** Repairs may be made: Temporal was there, and it is the one that the record is about. */
  trusted: boolean;
}

/** One sweep. `scheduledAtMs`: when Temporal's server scheduled it, which shows how far the clocks are apart. */
export async function sweepOnce(deps: SweepDependencies, scheduledAtMs: number | null = null): Promise<SweepReport> {
  const moment = await momentOf(deps);
  const seen = await look(deps, moment, deps);
  deps.faultPoint?.("sweep.looked");
  const candidates = await repairAll(deps, seen);
  const rows = await deps.record.saveSweep({
    found: candidates.map(toFinding),
    looked: seen.looked,
    failures: seen.failures,
    temporalLagMs: scheduledAtMs === null ? null : moment.nowMs - scheduledAtMs,
  });
  deps.faultPoint?.("sweep.saved");
  const untold = await tellPeople(deps, rows, candidates);
  const report = { found: candidates.map(toFinding), failures: [...seen.failures, ...untold] };
  // Said once; what stands on from sweep to sweep is in the record.
  const isNew = new Set(rows.filter((row) => row.firstSeenAt === row.lastSeenAt).map((row) => row.key));
  logReport(
    deps,
    report,
    report.found.filter((finding) => isNew.has(finding.key)),
  );
  return report;
}

/** The same list, with nothing repaired, told or written: for `selfheal doctor`. */
export async function findOnly(deps: LookDependencies): Promise<SweepReport> {
  const { candidates, failures } = await look(deps, await momentOf(deps), null);
  return { found: candidates.map(toFinding), failures };
}

async function momentOf({ record }: LookDependencies): Promise<Moment> {
  const [now, rows] = await Promise.all([record.now(), record.findings()]);
  return { nowMs: Date.parse(now), known: new Map(rows.map((row) => [row.key, row])) };
}

/** One part after the other: the sweeper is in no hurry and must not be felt. */
async function look(deps: LookDependencies, moment: Moment, repairs: SweepDependencies | null): Promise<Looked> {
  const result: Looked = { candidates: [], looked: [], failures: [], trusted: false };
  /** Answers whether anything was found. */
  const part = async (name: Part, work: () => Promise<Candidate[]>): Promise<boolean> => {
    try {
      const found = await work();
      result.candidates.push(...found);
      result.looked.push(name);
      return found.length > 0;
    } catch (error) {
      result.failures.push(`${name}: ${messageOf(error)}`);
      deps.log.warn({ part: name, err: error }, "the sweeper could not look; it tries again in the next sweep");
      return false;
    }
  };
  const foreign = await part("temporal", () => lookAtHome(deps));
  // What another Temporal says or lacks is no finding about ours.
  const ofOurs = (name: Part, work: () => Promise<Candidate[]>): Promise<boolean> =>
    part(name, foreign ? () => Promise.reject(new Error("Temporal is not the record's own")) : work);
  await ofOurs("pulse", () =>
    lookAtPulse(deps.record, repairs === null ? null : () => pulse(repairs.record, repairs.mark)),
  );
  await ofOurs("workflows", async () => {
    const { candidates, trusted } = await lookAtWorkflows(deps, moment, repairs);
    result.trusted = trusted && result.looked.includes("temporal");
    return candidates;
  });
  await ofOurs("alerts", () => lookAtAlerts(deps, repairs?.starter ?? null));
  await ofOurs("inboxes", () => lookAtInboxes(deps, repairs));
  await part("record", () => lookAtRecord(deps, repairs?.record ?? null));
  const resend = repairs === null ? null : sendAgain.bind(null, repairs satisfies TellDependencies);
  await part("escalations", () => lookAtEscalations(deps, resend));
  await part("loadbalancer", () => lookAtBalancer(deps, moment.nowMs));
  await ofOurs("schedules", () => lookAtSchedules(deps));
  await ofOurs("attributes", () => lookAtAttributes(deps));
  await part("heartbeats", async () => lookAtHeartbeats(deps, (await deps.heartbeats?.()) ?? []));
  return result;
}

/** What a repair finds to be nothing any more is left out. Only messages to people go out while Temporal is not trusted. */
async function repairAll(deps: SweepDependencies, seen: Looked): Promise<Candidate[]> {
  const after: Candidate[] = [];
  for (const one of seen.candidates) {
    if (one.repair === null || !(seen.trusted || one.part === "escalations")) {
      after.push(one);
      continue;
    }
    try {
      const done = await one.repair();
      deps.faultPoint?.("sweep.repaired", one.code);
      if (done !== null) after.push({ ...one, done });
    } catch (error) {
      deps.log.warn({ ...one.ids, finding: one.key, err: error }, "a repair failed; the next sweep tries again");
      after.push({ ...one, done: `${NOT_DONE} repair it: ${messageOf(error)}` });
    }
  }
  return after;
}

async function lookAtSchedules({ temporal }: LookDependencies): Promise<Candidate[]> {
  const ids = [WATCH_SCHEDULE, SWEEP_SCHEDULE, LESSONS_SCHEDULE];
  const seen = await Promise.all(ids.map(async (id) => ({ id, ...(await temporal.schedule(id)) })));
  return seen.flatMap((one) => {
    if (one.state === "active") return [];
    const missing = one.state === "missing";
    return [
      candidate({
        code: missing ? "SCHEDULE_MISSING" : "SCHEDULE_PAUSED",
        part: "schedules",
        about: one.id,
        severity: missing ? "page" : "warn",
        sentence: missing
          ? `namespace ${temporal.namespace} has no schedule ${one.id}: nobody ${DOES[one.id]}`
          : `the schedule ${one.id} is paused (${one.note || "no note"}): nobody ${DOES[one.id]}`,
        ids: { scheduleId: one.id },
        next: missing
          ? "restart a worker (`selfheal worker`): it makes the schedule"
          : `temporal schedule toggle --unpause --schedule-id ${one.id} --reason "…"`,
      }),
    ];
  });
}

async function lookAtAttributes({ temporal }: LookDependencies): Promise<Candidate[]> {
  const missing = await temporal.missingAttributes();
  if (missing.length === 0) return [];
  const { namespace } = temporal;
  const flags = missing.map((name) => `--name ${name} --type Keyword`).join(" ");
  return [
    candidate({
      code: "ATTRIBUTES_MISSING",
      part: "attributes",
      about: "",
      severity: "page",
      sentence:
        `namespace ${namespace} does not know the search attributes ${missing.join(", ")}: no remediation gets on, and ` +
        "alerts are kept undelivered",
      ids: { namespace },
      next: `temporal operator search-attribute create --namespace ${namespace} ${flags}`,
    }),
  ];
}

const DOES: Record<string, string> = {
  [WATCH_SCHEDULE]: "wakes those who wait for tickets, installers and capacity before their deadlines",
  [LESSONS_SCHEDULE]: "drafts postmortems, opens problem tickets or sends reports",
  [SWEEP_SCHEDULE]: "delivers lost alerts again, or notices what was left behind",
};

/** A line stays readable; `selfheal doctor` has them all. */
const MOST_NAMED = 50;

function logReport({ log }: SweepDependencies, { failures }: SweepReport, fresh: Finding[]): void {
  const worse = fresh.filter((finding) => finding.severity !== "info");
  if (worse.length === 0 && failures.length === 0) return;
  const found = Object.fromEntries([...Map.groupBy(worse, (one) => one.code)].map(([code, all]) => [code, all.length]));
  const remediationIds = worse.flatMap(({ ids }) => ids["remediationId"] ?? []).slice(0, MOST_NAMED);
  log.warn({ found, remediationIds, failures }, "the sweeper found something new; `selfheal doctor` shows it");
}
