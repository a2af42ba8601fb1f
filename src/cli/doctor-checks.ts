/**
 * The doctor's checks. Each goes on with what is there: a part that is away is a line, and the checks that need it are
 * left out. Nothing is written, repaired or migrated.
 */
import type { Look } from "../adapters/look.ts";
import type { Connections } from "../adapters/connections.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { LoadBalancerPort } from "../ports/ports.ts";
import type { RecordStore } from "../record/api.ts";
import { heartbeatsOf } from "../starters/heartbeats.ts";
import type { RightFolder } from "../starters/active-catalogue.ts";
import type { Finding } from "../record/api-sweep.ts";
import type { DatabaseReport } from "../record/inspect.ts";
import { findOnly } from "../watchers/sweep.ts";
import { PARTS, type LookDependencies, type Part } from "../watchers/sweep-finding.ts";
import type { TemporalView } from "../watchers/sweep-temporal.ts";
import { checkAccess, payloadLine, type AccessSettings } from "./doctor-access.ts";
import { checkActive, checkLabels, teamLines } from "./doctor-catalogue.ts";
import { fail, failed, info, ok, warn, type Line } from "./doctor-line.ts";

/** Of the running Temporal; every method may reject. */
export interface DoctorTemporal {
  /** `127.0.0.1:7233, namespace default` */
  place: string;
  view: TemporalView;
  /** Rejects when a search attribute is missing or of the wrong type, and says how to make it. */
  searchAttributes(): Promise<void>;
  /** Workers that asked for work lately. */
  pollers(): Promise<{ workflows: number; activities: number }>;
}

export interface DoctorParts {
  folder: string;
  loaded(): Promise<RightFolder>;
  connections(catalogue: Catalogue): Connections;
  lookAt(connections: Connections): Promise<Look[]>;
  loadBalancer(connections: Connections): Pick<LoadBalancerPort, "servers">;
  database(): Promise<DatabaseReport>;
  record(): Promise<RecordStore>;
  temporal(): Promise<DoctorTemporal>;
  access: AccessSettings;
  log: LookDependencies["log"];
}

export interface Diagnosis {
  lines: Line[];
  /** What the sweeper would find now. */
  findings: Finding[];
}

/** A little more than a busy machine makes by itself. */
const CLOCK_OFF_MS = 2_000;
/** The sweep's way from the server to the worker counts in. */
const SWEEP_LAG_MS = 60_000;
const SWEEP_OLD_MS = 10 * 60_000;

export async function diagnose(parts: DoctorParts): Promise<Diagnosis> {
  const [configured, { lines: databaseLines, record }, { lines: temporalLines, temporal }] = await Promise.all([
    checkConfiguration(parts),
    checkDatabase(parts),
    checkTemporal(parts),
  ]);
  const lines = [...configured.lines, ...databaseLines, ...temporalLines, payloadLine(parts.access)];
  if (record === null) return { lines, findings: [] };
  lines.push(
    ...(await checkActive(record, configured.catalogue)),
    ...(await checkLabels(record, configured.catalogue)),
    ...(await checkAccess(record, configured.catalogue, parts.access)),
    ...(await checkLastSweep(record)),
  );
  const { connections, catalogue } = configured;
  const swept = await checkFindings({
    record,
    temporal: temporal?.view ?? away(),
    loadBalancer: connections?.loadBalancer === undefined ? null : parts.loadBalancer(connections),
    heartbeats: () => Promise.resolve(catalogue === null ? [] : heartbeatsOf(catalogue)),
    log: parts.log,
  });
  return { lines: [...lines, ...swept.lines], findings: swept.findings };
}

interface Configured {
  lines: Line[];
  catalogue: Catalogue | null;
  connections: Connections | null;
}

async function checkConfiguration(parts: DoctorParts): Promise<Configured> {
  let loaded: RightFolder;
  try {
    loaded = await parts.loaded();
  } catch (error) {
    const next = `selfheal runbook check ${parts.folder}`;
    return { lines: [failed("catalogue", error, next)], catalogue: null, connections: null };
  }
  const { catalogue } = loaded;
  const lines = [
    ...teamLines(parts.folder, loaded),
    ok("catalogue", `${parts.folder}: ${catalogue.runbooks.length} runbooks, ${catalogue.version.slice(0, 12)}`),
  ];
  try {
    const connections = parts.connections(catalogue);
    const looks = await parts.lookAt(connections);
    return { lines: [...lines, ...looks.map(lineOf), notifier(connections)], catalogue, connections };
  } catch (error) {
    const line = failed("connections", error, `selfheal runbook check ${parts.folder}`);
    return { lines: [...lines, line], catalogue, connections: null };
  }
}

function lineOf({ connection, fault, lacks }: Look): Line {
  const area = `connections.${connection}`;
  if (lacks !== null)
    return warn(area, lacks, "give it what it lacks, and install the app again: docs/operating.md, In chat");
  if (fault === null) return ok(area, "answers, and lets us in");
  return fail(area, fault, `check ${area} in selfheal.yaml, its secret, and the network`, "unavailable");
}

function notifier(connections: Connections): Line {
  const { channels = {}, notify } = connections;
  const names = [...Object.keys(channels), ...(notify === undefined ? [] : ["notify"])];
  const area = names.length === 1 && notify !== undefined ? "connections.notify" : "connections.channels";
  if (names.length > 0) {
    return info(area, `configured (${names.join(", ")}); no message was tried`);
  }
  return warn(
    area,
    "nobody can be told anything: no channel is configured",
    "set connections.channels in selfheal.yaml",
  );
}

async function checkDatabase(parts: DoctorParts): Promise<{ lines: Line[]; record: RecordStore | null }> {
  try {
    const report = await parts.database();
    const { lines, usable } = schemaLines(report);
    lines.push(...clockLines(report));
    return { lines, record: usable ? await parts.record() : null };
  } catch (error) {
    return { lines: [failed("database", error, "check DATABASE_URL, and that PostgreSQL runs")], record: null };
  }
}

function schemaLines({ server, applied, missing, unknown, notWritable }: DatabaseReport): {
  lines: Line[];
  usable: boolean;
} {
  if (unknown.length > 0) {
    const detail = `the schema is of a newer selfheal (${unknown.join(", ")})`;
    return { lines: [fail("database", detail, "run that version of selfheal")], usable: false };
  }
  if (missing.length > 0) {
    const detail = `PostgreSQL ${server} answers; the schema lacks ${missing.join(", ")}`;
    return {
      lines: [warn("database", detail, "start a worker or `selfheal serve`: it brings the schema")],
      usable: false,
    };
  }
  const lines = [ok("database", `PostgreSQL ${server}, schema ${applied.at(-1) ?? "none"}`)];
  if (notWritable !== null && notWritable.length > 0) {
    const detail = `the login may not write ${notWritable.join(", ")}`;
    lines.push(
      fail("database", detail, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES to the login of DATABASE_URL"),
    );
  }
  return { lines, usable: true };
}

function clockLines({ nowMs, askedAtMs, answeredAtMs }: DatabaseReport): Line[] {
  const offMs = Math.round(nowMs - (askedAtMs + answeredAtMs) / 2);
  const within = Math.round((answeredAtMs - askedAtMs) / 2);
  const detail = `the database's clock is ${offMs} ms from this machine's (± ${within} ms)`;
  if (Math.abs(offMs) <= CLOCK_OFF_MS + within) return [ok("clock", detail)];
  return [warn("clock", detail, "check time synchronisation (chronyc tracking) here and on the database's machine")];
}

async function checkTemporal(parts: DoctorParts): Promise<{ lines: Line[]; temporal: DoctorTemporal | null }> {
  let temporal: DoctorTemporal;
  try {
    temporal = await parts.temporal();
  } catch (error) {
    const line = failed(
      "temporal",
      error,
      "check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (temporal operator cluster health)",
    );
    return { lines: [line], temporal: null };
  }
  const attributes = temporal.searchAttributes().then(
    () => ok("temporal", `${temporal.place}: answers, and knows the search attributes`),
    (error: unknown) =>
      failed(
        "temporal",
        error,
        "check TEMPORAL_NAMESPACE; missing attributes: `selfheal worker --register-search-attributes`",
      ),
  );
  const pollers = temporal
    .pollers()
    .then(pollerLine, (error: unknown) =>
      failed("worker", error, "temporal task-queue describe --task-queue selfheal"),
    );
  return { lines: await Promise.all([attributes, pollers]), temporal };
}

function pollerLine({ workflows, activities }: { workflows: number; activities: number }): Line {
  if (workflows > 0 && activities > 0)
    return ok("worker", `${workflows} polling for workflows, ${activities} for activities`);
  return fail(
    "worker",
    "no worker polls the task queue: alerts are kept, and nothing is done about them",
    "selfheal worker",
  );
}

async function checkLastSweep(record: RecordStore): Promise<Line[]> {
  try {
    const [last, now] = await Promise.all([record.lastSweep(), record.now()]);
    const next = "selfheal worker   # sweeps once a minute";
    if (last === null)
      return [info("sweeper", "has not run yet: the first sweep comes a minute after the first worker", next)];
    const detail = `last sweep at ${last.at}`;
    const old = Date.parse(now) - Date.parse(last.at) > SWEEP_OLD_MS;
    const lines = [old ? warn("sweeper", `${detail}, that is long ago`, next) : ok("sweeper", detail)];
    for (const failure of last.failures)
      lines.push(warn("sweeper", `it could not look at ${failure}`, "see the worker's log"));
    return [...lines, ...temporalClock(last.temporalLagMs)];
  } catch (error) {
    return [failed("sweeper", error, "check the database")];
  }
}

function temporalClock(lagMs: number | null): Line[] {
  if (lagMs === null) return [];
  const detail = `the database's clock was ${lagMs} ms from Temporal's at the last sweep (its way to the worker counts in)`;
  if (lagMs >= -CLOCK_OFF_MS && lagMs <= SWEEP_LAG_MS) return [ok("clock", detail)];
  return [warn("clock", detail, "check time synchronisation on both machines, or for busy workers")];
}

const FINE: Record<Part, string> = {
  temporal: "it is the one that the record belongs to",
  pulse: "the record was not restored to an older state since somebody last looked",
  workflows: "every open remediation has its workflow, and gets on",
  alerts: "every alert was delivered",
  inboxes: "no delivered alert was left behind by a workflow that ended",
  record: "no leases, effects or queue places of closed remediations",
  escalations: "people were told of everything",
  loadbalancer: "no server that we drained is left alone",
  schedules: "watcher, sweeper and lessons are scheduled",
  attributes: "the namespace knows every search attribute",
  heartbeats: "every source sends the heartbeat that selfheal.yaml names",
};

async function checkFindings(deps: LookDependencies): Promise<Diagnosis> {
  try {
    const { found, failures } = await findOnly(deps);
    const unseen = new Set(failures.map((failure) => failure.slice(0, failure.indexOf(":"))));
    const bad = new Set(found.filter((finding) => finding.severity !== "info").map((finding) => finding.part));
    const fine = PARTS.filter(
      (part) => !unseen.has(part) && !bad.has(part) && !(part === "loadbalancer" && deps.loadBalancer === null),
    );
    return {
      findings: found,
      lines: [
        ...fine.map((part) => ok(part, FINE[part])),
        ...failures.map((failure) => info("not looked at", failure)),
        ...found.map(findingLine),
      ],
    };
  } catch (error) {
    return { findings: [], lines: [failed("sweeper", error, "check the database")] };
  }
}

function findingLine({ severity, code, sentence, next, safe, done }: Finding): Line {
  const did = done ?? (safe ? "the next sweep sees to it" : null);
  const detail = did === null ? sentence : `${sentence} (${did})`;
  if (severity === "info") return info(code, detail, next);
  return severity === "warn" ? warn(code, detail, next) : fail(code, detail, next);
}

/** Stands in for a Temporal that is not there: what needs it is not looked at, the rest is. */
function away(): TemporalView {
  const reject = (): Promise<never> => Promise.reject(new Error("Temporal does not answer"));
  return {
    namespace: "?",
    identity: reject,
    running: reject,
    workflow: reject,
    schedule: reject,
    missingAttributes: reject,
  };
}
