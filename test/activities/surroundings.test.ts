import { describe, expect, it } from "vitest";
import type { ActivityDependencies } from "../../src/activities/dependencies.ts";
import { notify } from "../../src/activities/remediation/close.ts";
import { windowOver } from "../../src/activities/remediation/quiet.ts";
import { readSurroundings } from "../../src/activities/remediation/surroundings.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import type { Plan } from "../../src/contracts/plan.ts";
import type { SloLimit, SurroundingLimits } from "../../src/contracts/surroundings.ts";
import { AdapterError } from "../../src/ports/failure.ts";
import type { ForeignLease, Silence } from "../../src/ports/ports.ts";
import type { Telling } from "../../src/record/api-surroundings.ts";
import { alertOf, catalogueOf, CONFIG } from "../catalogue/support.ts";
import { surrounded } from "../policy/support.ts";

const catalogue = catalogueOf();
const runbook = catalogue.runbooks[0]!;
const plan = (limits: Partial<SurroundingLimits>): Plan => ({
  ...surrounded(limits),
  target: catalogue.inventory.targets[0]!,
});

interface Outside {
  leases?: ForeignLease[] | AdapterError;
  silences?: Silence[] | AdapterError;
  metrics?: Record<string, number>;
  attempt?: number;
}

/** What is kept in the record, by what and whom it is about. */
async function saved(
  limits: Partial<SurroundingLimits>,
  { silences = [], leases = [], metrics = {}, attempt = 9 }: Outside,
) {
  const rows: Record<string, unknown> = {};
  const deps = {
    record: { saveReading: (what: string, about: string, read: unknown) => void (rows[`${what} ${about}`] = read) },
    ports: {
      silences: { active: () => (silences instanceof Error ? Promise.reject(silences) : Promise.resolve(silences)) },
      leases: { held: () => (leases instanceof Error ? Promise.reject(leases) : Promise.resolve(leases)) },
      metrics: {
        scalar: (query: string) =>
          Promise.resolve(
            metrics[query] === undefined ? { ok: false, reason: `no ${query}` } : { ok: true, value: metrics[query] },
          ),
      },
    },
    later: (message: string, afterMs?: number) => (attempt > 3 ? null : new Error(`later: ${message} ${afterMs}`)),
  } as unknown as ActivityDependencies;
  await readSurroundings(deps, catalogue, runbook, plan(limits), [alertOf()]);
  return rows;
}

const silence: Silence = {
  ...{ id: "s1", state: "active", comment: "new fan", createdBy: "eve", ours: false },
  ...{ startsAt: "2026-11-21T11:00:00Z", endsAt: "2026-11-21T13:00:00Z" },
  matchers: [{ name: "host", value: "web-1", isRegex: false, isEqual: true }],
};
const AWAY = new AdapterError("transient", { system: "alertmanager", operation: "list", retryAfterMs: 7 }, "no answer");
const MISSING = new AdapterError("permanent", { system: "alertmanager", operation: "active" }, "is not configured");
const slo = { name: "shop", errors: { window: "w", recent: "r" }, maxAgeMs: 1 } as SloLimit;

describe("what is read outside when a plan is decided", () => {
  it("is nothing where the plan has no limit by it", async () => {
    expect(await saved({}, { silences: AWAY })).toEqual({});
  });

  it("are the silences of people on the target", async () => {
    const others = { ...silence, id: "s2", matchers: [{ ...silence.matchers[0]!, value: "web-2" }] };
    const rows = await saved({ silencesMaxAgeMs: 1 }, { silences: [silence, others, { ...silence, ours: true }] });
    expect(rows).toEqual({
      "silences target:host:web-1": {
        value: [{ id: "s1", by: "eve", comment: "new fan", endsAt: silence.endsAt }],
        detail: "",
      },
    });
  });

  it("are the leases of other systems on the target, by any name of it; ours and others' are none", async () => {
    const lease = (kind: string, id: string, holder = "awx"): ForeignLease => {
      return { target: { kind, id }, holder, reason: "job 815", until: null };
    };
    const named = [
      lease("host", "web-1.example.net"),
      lease("host", "10.0.0.1:22", "capi"),
      lease("host", "web-1", "selfheal"),
    ];
    const others = [lease("host", "web-2"), lease("switch", "web-1"), lease("host", "unheard-of")];
    const rows = await saved({ leasesMaxAgeMs: 1 }, { leases: [...named, ...others] });
    const kept = (id: string, holder: string) => ({
      id: `host/${id} ${holder}`,
      holder,
      reason: "job 815",
      until: null,
    });
    expect(rows).toEqual({
      "leases target:host:web-1": {
        value: [kept("web-1.example.net", "awx"), kept("10.0.0.1:22", "capi")],
        detail: "",
      },
    });
  });

  it("are both shares of each objective", async () => {
    expect(await saved({ slos: [slo] }, { metrics: { w: 0.1, r: 0.2 } })).toEqual({
      "slo target:host:web-1 shop": { value: { window: 0.1, recent: 0.2 }, detail: "" },
    });
  });

  it.each([
    ["silences", { silencesMaxAgeMs: 1 }, { silences: AWAY }, /later: .*no answer 7/],
    ["leases", { leasesMaxAgeMs: 1 }, { leases: AWAY }, /later: .*no answer 7/],
    ["an objective", { slos: [slo] }, { metrics: { w: 0.1 } }, /later: no r/],
  ])("%s that cannot be read are asked for again, then kept as not known", async (_what, limits, outside, why) => {
    await expect(saved(limits, { ...outside, attempt: 1 })).rejects.toThrow(why);
    expect(Object.values(await saved(limits, outside))).toMatchObject([{ value: null }]);
  });

  it("what no second try can cure is kept as not known at once", async () => {
    expect(Object.values(await saved({ silencesMaxAgeMs: 1 }, { silences: MISSING, attempt: 1 }))).toMatchObject([
      { value: null, detail: "alertmanager active: is not configured" },
    ]);
  });
});

describe("a page that is kept back", () => {
  const NOW = "2026-11-21T12:00:00.000Z";
  const LATER = "2026-11-21T13:00:00.000Z";
  const window = { id: "w1", kind: "maintenance", reason: "x", by: "ann", from: NOW, until: LATER } as const;
  const telling: Telling = {
    target: { kind: "host", id: "web-1" },
    scopes: ["global", "group:web"],
    acted: false,
    windows: [],
    now: NOW,
  };

  async function keptUntil(changes: Partial<Telling> | null, over: Catalogue | Error = catalogue) {
    const deps = {
      record: { telling: () => Promise.resolve(changes === null ? null : { ...telling, ...changes }) },
      catalogues: { active: () => (over instanceof Error ? Promise.reject(over) : Promise.resolve(over)) },
      log: { error: () => undefined },
    } as unknown as ActivityDependencies;
    return (await windowOver(deps, "r1"))?.until ?? null;
  }
  const longer = { ...window, id: "w2", scope: "global", until: "2026-11-21T14:00:00.000Z" };
  const ofFile = catalogueOf({
    config: `${CONFIG}windows: [{ name: w, kind: deploy, scopes: [rack:r1], once: { from: ${NOW}, until: ${LATER} } }]\n`,
  });

  it.each([
    ["outside of every window", {}, catalogue, null],
    ["in one of its group", { windows: [{ ...window, scope: "group:web" }] }, catalogue, LATER],
    [
      "in one of its rack, which it has by the inventory",
      { windows: [{ ...window, scope: "rack:r1" }] },
      catalogue,
      LATER,
    ],
    ["in one of others", { windows: [{ ...window, scope: "group:db" }] }, catalogue, null],
    [
      "in one to come",
      { windows: [{ ...window, scope: "global", from: LATER, until: longer.until }] },
      catalogue,
      null,
    ],
    ["in two: to the last end", { windows: [{ ...window, scope: "global" }, longer] }, catalogue, longer.until],
    ["in one of selfheal.yaml", {}, ofFile, LATER],
    ["once something was done", { windows: [longer], acted: true }, catalogue, null],
    ["of a remediation that the record does not know", null, catalogue, null],
    ["when it cannot be known, people are told", { windows: [longer] }, new Error("no catalogue"), null],
  ])("%s", async (_what, changes, over, until) => {
    expect(await keptUntil(changes, over)).toBe(until);
  });

  it("is never the one about a breaker: that is about the automation, not about the target", async () => {
    const [sent, kept]: string[][] = [[], []];
    const deps = {
      record: {
        escalation: () => Promise.resolve("new"),
        escalationSent: () => Promise.resolve(),
        holdEscalation: (_: string, key: string) => Promise.resolve(void kept?.push(key)),
        telling: () => Promise.resolve({ ...telling, windows: [longer] }),
      },
      ports: { notify: { send: ({ key }: { key: string }) => Promise.resolve(void sent?.push(key)) } },
      catalogues: { active: () => Promise.resolve(catalogue) },
    } as unknown as ActivityDependencies;
    const page = { remediationId: "r1", route: "page", severity: "critical", title: "t", text: "x" } as const;
    await notify(deps, { ...page, key: "breaker-b1" });
    await notify(deps, { ...page, key: "end" });
    expect({ sent, kept }).toEqual({ sent: ["r1/breaker-b1"], kept: ["end"] });
  });
});
