/** Every part healthy, then one part after the other away: the rest is looked at all the same. */
import pino from "pino";
import { describe, expect, test } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import type { Connections } from "../../src/adapters/connections.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { diagnose, type DoctorParts, type DoctorTemporal } from "../../src/cli/doctor-checks.ts";
import { exitCodeOf, textOf, type Line } from "../../src/cli/doctor-line.ts";
import { projectPath } from "../../src/config/project.ts";
import { EXIT, UserError } from "../../src/config/user-error.ts";
import type { ApiToken } from "../../src/record/api-identity.ts";
import type { RecordStore } from "../../src/record/api.ts";
import type { DatabaseReport } from "../../src/record/inspect.ts";
import { requireCatalogue } from "../../src/starters/active-catalogue.ts";
import { PARTS } from "../../src/watchers/sweep-finding.ts";

const NOW = Date.parse("2026-11-21T10:10:00.000Z");
const VERSION = "c".repeat(64);
const HEALTHY: DatabaseReport = {
  server: "18.4",
  nowMs: NOW + 5,
  askedAtMs: NOW,
  answeredAtMs: NOW + 10,
  applied: ["0001-record", "0002-findings"],
  missing: [],
  unknown: [],
  notWritable: [],
};

function recordOf(change: Partial<RecordStore> = {}): RecordStore {
  const nothing = async () => [];
  return {
    now: async () => new Date(NOW).toISOString(),
    activeVersion: async () => VERSION,
    lastSweep: async () => ({ at: new Date(NOW - 30_000).toISOString(), failures: [], temporalLagMs: 40 }),
    findings: nothing,
    alerts: nothing,
    temporalHome: async () => null,
    apiTokens: async () => [tokenOf()],
    openEpisodes: nothing,
    undelivered: nothing,
    modes: nothing,
    lostAlerts: nothing,
    orphanedLeases: nothing,
    unsettledOfClosed: nothing,
    queueOfClosed: nothing,
    unsentEscalations: nothing,
    recentEffects: nothing,
    ...change,
  } as unknown as RecordStore;
}

function tokenOf(change: Partial<ApiToken> = {}): ApiToken {
  const [past, future] = [new Date(NOW - 3_600_000).toISOString(), new Date(NOW + 90 * 24 * 3_600_000).toISOString()];
  return {
    ...{ id: "0123456789abcdef", name: "root", subject: "root", roles: ["admin"], groups: null, createdBy: "root" },
    ...{ createdAt: past, expiresAt: future, revokedAt: null, revokedBy: null, lastUsedAt: null, state: "inForce" },
    ...change,
  };
}

function temporalOf(change: Partial<DoctorTemporal> = {}): DoctorTemporal {
  return {
    place: "127.0.0.1:7233, namespace default",
    view: {
      namespace: "default",
      identity: async () => ({ namespaceId: "ours", namespace: "default", address: "127.0.0.1:7233" }),
      running: async () => ({ workflows: [], complete: true }),
      workflow: async () => ({ state: "notFound" }),
      schedule: async () => ({ state: "active", note: "" }),
      missingAttributes: async () => [],
    },
    searchAttributes: async () => undefined,
    pollers: async () => ({ workflows: 1, activities: 1 }),
    ...change,
  };
}

function partsOf(change: Partial<DoctorParts> = {}): DoctorParts {
  return {
    folder: "./config",
    loaded: async () => ({
      catalogue: { version: VERSION, runbooks: [1, 2], sources: {}, access: {} } as unknown as Catalogue,
      problems: [],
      teams: [],
    }),
    connections: () => ({ loadBalancer: {}, notify: {} }) as unknown as Connections,
    lookAt: async () => [{ connection: "loadBalancer", fault: null, lacks: null }],
    loadBalancer: () => ({ servers: async () => [] }),
    database: async () => HEALTHY,
    record: async () => recordOf(),
    temporal: async () => temporalOf(),
    access: { host: "0.0.0.0", shared: false, payloadKeys: () => ["k2", "k1"] },
    log: pino({ level: "silent" }),
    ...change,
  };
}

const away = (message: string) => async (): Promise<never> => {
  throw new UserError(message, { exitCode: EXIT.unavailable });
};
const bad = (lines: Line[]): Line[] => lines.filter((line) => line.level === "FAIL" || line.level === "warn");

test("all is well: every line is ok or for information, and the status is 0", async () => {
  const { lines, findings } = await diagnose(partsOf());
  expect([bad(lines), findings, exitCodeOf(lines)]).toEqual([[], [], 0]);
  expect(new Set(lines.map((line) => line.area))).toEqual(
    new Set<string>([
      "catalogue",
      "access",
      "payloads",
      "connections.loadBalancer",
      "connections.notify",
      "database",
      "clock",
      "worker",
      "identity",
      "sweeper",
      ...PARTS,
    ]),
  );
});

describe("a part that is away is said, and the rest is looked at", () => {
  test.each([
    [
      "Temporal",
      { temporal: away("Temporal does not answer") },
      "temporal",
      3,
      ["temporal", "workflows", "schedules", "attributes"],
    ],
    ["the database", { database: away("nothing listens there") }, "database", 3, null],
    [
      "a connection",
      { lookAt: async () => [{ connection: "tickets", fault: "401", lacks: null }] },
      "connections.tickets",
      3,
      [],
    ],
  ])("%s", async (_, change: Partial<DoctorParts>, area, status, unseen) => {
    const { lines } = await diagnose(partsOf(change));
    expect(bad(lines).map((line) => line.area)).toEqual([area]);
    expect(exitCodeOf(lines)).toBe(status);
    const notLookedAt = lines.filter((line) => line.area === "not looked at").map((line) => line.detail.split(":")[0]);
    if (unseen !== null) expect(notLookedAt).toEqual(unseen);
    expect(lines.filter((line) => line.level === "ok").length).toBeGreaterThan(2);
  });

  test("a wrong configuration is 2, whatever else is away", async () => {
    const loaded = async (): Promise<never> => {
      throw new UserError("the catalogue in ./config does not load", { exitCode: EXIT.usage });
    };
    const { lines } = await diagnose(partsOf({ loaded, temporal: away("away") }));
    expect(exitCodeOf(lines)).toBe(2);
    expect(bad(lines)[0]).toMatchObject({ area: "catalogue", next: "selfheal runbook check ./config" });
  });
});

test("a team's broken file is a line of its own, and status 2: the rest of the catalogue is in use", async () => {
  const problem = {
    ...{ file: "teams/storage/runbooks/raid.yaml", line: 3, col: 5, path: "kind", message: "this is not right" },
    ...{ value: null, wouldBeRight: "Runbook", severity: "error" as const },
  };
  const right = await partsOf().loaded();
  const teams = [{ team: "storage", runbooks: [], state: "leftOut" as const }];
  const { lines } = await diagnose(partsOf({ loaded: async () => ({ ...right, problems: [problem], teams }) }));
  expect(bad(lines).map(({ area, detail }) => `${area}: ${detail}`)).toEqual([
    "catalogue: the runbooks of team storage are wrong: teams/storage/runbooks/raid.yaml:3:5 kind: this is not right, Runbook",
  ]);
  expect(exitCodeOf(lines)).toBe(2);
});

test("alerts whose labels name no target are one line, with the label that would", async () => {
  const catalogue = await requireCatalogue(projectPath("examples", "first-remediation"), ACTIONS);
  const alert = { labels: { alertname: "SmartDiskFailing", device: "sda", node: "web-1" } };
  const { lines } = await diagnose(
    partsOf({
      loaded: async () => ({ catalogue, problems: [], teams: [] }),
      record: async () =>
        recordOf({ activeVersion: async () => catalogue.version, alerts: async () => [alert, alert] as never }),
    }),
  );
  expect(bad(lines)).toMatchObject([
    {
      area: "identity",
      detail: expect.stringMatching(
        /^2 of the last 2 alerts with a runbook name no target; SmartDiskFailing: none of/,
      ) as string,
      next: 'node="web-1" is host web-1: put node into target.from of the runbook',
    },
  ]);
});

describe("what is found", () => {
  test.each([
    [
      "no worker",
      partsOf({ temporal: async () => temporalOf({ pollers: async () => ({ workflows: 0, activities: 0 }) }) }),
      "worker",
    ],
    ["another catalogue", partsOf({ record: async () => recordOf({ activeVersion: async () => "d" }) }), "catalogue"],
    ["an old schema", partsOf({ database: async () => ({ ...HEALTHY, missing: ["0002-findings"] }) }), "database"],
    ["a newer schema", partsOf({ database: async () => ({ ...HEALTHY, unknown: ["0009-x"] }) }), "database"],
    [
      "a table that may not be written",
      partsOf({ database: async () => ({ ...HEALTHY, notWritable: ["audit"] }) }),
      "database",
    ],
    ["a clock that is off", partsOf({ database: async () => ({ ...HEALTHY, nowMs: NOW - 9_000 }) }), "clock"],
    [
      "a sweeper that stands still",
      partsOf({
        record: async () =>
          recordOf({ lastSweep: async () => ({ at: "2026-11-21T09:00:00.000Z", failures: [], temporalLagMs: null }) }),
      }),
      "sweeper",
    ],
    [
      "a channel that lacks a scope",
      partsOf({ lookAt: async () => [{ connection: "channels.chat", fault: null, lacks: "channels:history" }] }),
      "connections.channels.chat",
    ],
    ["nobody to tell", partsOf({ connections: () => ({}) }), "connections.channels"],
  ])("%s is one line with the next command, and status 1", async (_, parts, area) => {
    const { lines } = await diagnose(parts);
    expect(bad(lines)).toMatchObject([{ area, next: expect.stringMatching(/\w/) }]);
    expect(exitCodeOf(lines)).toBe(1);
  });

  test("the sweeper's findings are lines with their code, computed now", async () => {
    const servers = async () =>
      [{ pool: "web", server: "web-1", admin: "drain", operational: "up", sessions: 0, weightPercent: 100 }] as const;
    const view = { ...temporalOf().view, schedule: async () => ({ state: "paused" as const, note: "by ada" }) };
    const { lines, findings } = await diagnose(
      partsOf({
        loadBalancer: () => ({ servers: async () => [...(await servers())] }),
        temporal: async () => temporalOf({ view }),
      }),
    );
    expect(findings.map((finding) => finding.code)).toEqual([
      "DRAINED_ELSEWHERE",
      "SCHEDULE_PAUSED",
      "SCHEDULE_PAUSED",
      "SCHEDULE_PAUSED",
    ]);
    expect(bad(lines).map((line) => [line.level, line.area])).toEqual([
      ["warn", "SCHEDULE_PAUSED"],
      ["warn", "SCHEDULE_PAUSED"],
      ["warn", "SCHEDULE_PAUSED"],
    ]);
    const text = textOf(lines, (_, shown) => shown);
    expect(text).toMatch(/warn {2}SCHEDULE_PAUSED .*by ada.*\n +next: temporal schedule toggle --unpause/);
    expect(text.endsWith("0 failed, 3 to look at")).toBe(true);
  });
});

describe("who may ask the API", () => {
  const said = async (tokens: ApiToken[], change: Partial<DoctorParts["access"]>): Promise<Line[]> => {
    const access = { ...partsOf().access, ...change };
    const record = async (): Promise<RecordStore> => recordOf({ apiTokens: async () => tokens });
    const { lines } = await diagnose(partsOf({ access, record }));
    return lines.filter(({ area }) => area === "access");
  };

  test.each<[string, ApiToken[], Partial<DoctorParts["access"]>, Line["level"], RegExp]>([
    ["nobody is asked, beyond loopback", [], {}, "FAIL", /will not listen on 0\.0\.0\.0/],
    ["nobody is asked, on loopback", [], { host: "127.0.0.1" }, "info", /may approve in any name/],
    ["one token that all share", [], { shared: true }, "info", /proves no person/],
    ["no admin", [tokenOf({ roles: ["viewer"] })], {}, "warn", /no token with the role admin/],
    ["a token about to end", [tokenOf({ expiresAt: new Date(NOW + 1_000).toISOString() })], {}, "warn", /ends at/],
  ])("%s is said", async (_what, tokens, change, level, detail) => {
    const line = (await said(tokens, change)).find((one) => one.level === level);
    expect(line?.detail).toMatch(detail);
    expect(line?.next).toContain("selfheal token create");
  });

  test("wrong keys of the payloads are the configuration's fault", async () => {
    const payloadKeys = (): string[] => {
      throw new UserError("SELFHEAL_PAYLOAD_KEYS: entry 1 is not ID:KEY", { exitCode: EXIT.usage });
    };
    const { lines } = await diagnose(partsOf({ access: { ...partsOf().access, payloadKeys } }));
    expect(lines.find(({ area }) => area === "payloads")).toMatchObject({ level: "FAIL", because: "configuration" });
  });
});
