import { describe, expect, it } from "vitest";
import { compilePlan } from "../../src/catalogue/compile.ts";
import { dependenciesOfScope, parentsOf } from "../../src/catalogue/dependencies.ts";
import { silencesOn } from "../../src/catalogue/silences.ts";
import type { SurroundingLimits } from "../../src/contracts/surroundings.ts";
import type { Silence } from "../../src/ports/ports.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { alertOf, catalogueOf, COLLECTED, CONFIG, INVENTORY, problemsOf, RUNBOOK, type Files } from "./support.ts";

function surroundingsOf(files: Files = {}, id = "web-1"): SurroundingLimits {
  const catalogue = catalogueOf(files);
  const target = catalogue.inventory.targets.find((one) => one.id === id)!;
  const alerts = [alertOf({ host: id })];
  const compiled = compilePlan(catalogue, catalogue.runbooks[0]!, target, alerts, COLLECTED, FAKE_ACTIONS);
  if (!("plan" in compiled)) throw new Error(compiled.detail);
  return compiled.plan.limits.surroundings!;
}

/** web-1 needs the switch and the databases; db-1 needs the switch's power. */
const DEPENDING = INVENTORY.replace(
  "    stateless: true",
  "    dependsOn: [target:switch:sw-1, group:db]\n    stateless: true",
)
  .replace("group: db, labels", "group: db, dependsOn: [target:pdu:p-1], labels")
  .concat(
    "  - { kind: switch, id: sw-1, group: db, dependsOn: [target:pdu:p-1] }\n  - { kind: pdu, id: p-1, group: db, rack: r9 }\n",
  );

describe("what goes on around a target", () => {
  it("limits nothing where nobody says anything", () => {
    expect(surroundingsOf()).toEqual({
      windows: [],
      dependencyWindows: [],
      dependsOn: [],
      silencesMaxAgeMs: null,
      slos: [],
      heldBy: null,
      correlation: null,
    });
  });

  it("depends on what others of its dependencies depend on", () => {
    expect(surroundingsOf({ inventory: DEPENDING }).dependsOn).toEqual([
      "group:db",
      "target:pdu:p-1",
      "target:switch:sw-1",
    ]);
    const { inventory } = catalogueOf({ inventory: DEPENDING });
    expect(dependenciesOfScope(inventory, "group:web")).toEqual(["group:db", "target:pdu:p-1", "target:switch:sw-1"]);
    expect(dependenciesOfScope(inventory, "global")).toEqual([]);
    expect(parentsOf(inventory, inventory.targets[0]!)).toEqual([
      "group:web",
      "rack:r1",
      "group:db",
      "target:switch:sw-1",
    ]);
  });

  it("a circle of dependencies has an end", () => {
    const circle = DEPENDING.replace("id: p-1, group: db", "id: p-1, group: db, dependsOn: [target:host:web-1]");
    expect(surroundingsOf({ inventory: circle }).dependsOn).not.toContain("target:host:web-1");
  });

  const windows = `windows:
  - name: power
    kind: maintenance
    scopes: [rack:r1, group:db]
    weekly: { timeZone: Europe/Warsaw, days: [tue], from: "22:00", to: "02:00" }
  - { name: release, kind: deploy, scopes: [runbook:disk], once: { from: 2026-12-24T17:00:00Z, until: 2026-12-24T18:00:00Z } }
`;

  it("pins the windows of its own scopes, and those of what it depends on", () => {
    const { windows: own, dependencyWindows } = surroundingsOf({ config: CONFIG + windows, inventory: DEPENDING });
    const weekly = { timeZone: "Europe/Warsaw", days: ["tue"], from: "22:00", to: "02:00" };
    expect(own).toEqual([
      { name: "power", kind: "maintenance", scope: "rack:r1", when: { weekly } },
      {
        name: "release",
        kind: "deploy",
        scope: "runbook:disk",
        when: { once: { from: "2026-12-24T17:00:00.000Z", until: "2026-12-24T18:00:00.000Z" } },
      },
    ]);
    expect(dependencyWindows).toMatchObject([{ name: "power", scope: "group:db" }]);
  });

  it("takes the region of its rack for a place, as it does where leases and alerts count", () => {
    const inventory = INVENTORY.replace("targets:", "racks: { r1: { region: eu } }\ntargets:");
    const config = CONFIG + windows.replace("rack:r1", "region:eu");
    expect(surroundingsOf({ inventory, config }).windows).toMatchObject([
      { scope: "region:eu" },
      { scope: "runbook:disk" },
    ]);
  });

  it("asks for silences where there is an Alertmanager, unless its group says not to", () => {
    const config = CONFIG.replace("connections:\n", 'connections:\n  alertmanager: { url: "http://127.0.0.1:9093" }\n');
    expect(surroundingsOf({ config }).silencesMaxAgeMs).toBe(300_000);
    expect(surroundingsOf({ config: `${config}defaults: { silences: ignore }\n` }).silencesMaxAgeMs).toBeNull();
  });

  it("asks for leases where a file of them is named, and says nothing of them where not", () => {
    const leases = "connections:\n  leases: { uses: file, path: /run/leases }\n";
    expect(surroundingsOf({ config: CONFIG.replace("connections:\n", leases) }).leasesMaxAgeMs).toBe(300_000);
    // A plan from before there were leases has the same hash.
    expect(Object.keys(surroundingsOf({}))).not.toContain("leasesMaxAgeMs");
  });

  it("is held by the system that its label names", () => {
    const inventory = INVENTORY.replace("    stateless: true", "    labels: { held-by: capi }\n    stateless: true");
    expect(surroundingsOf({ inventory }).heldBy).toBe("capi");
  });

  const correlation =
    "correlation: { holdDown: 2m, parents: [{ parent: rack, share: 100%, within: 5m, atLeast: 2 }] }\n";

  it("a parent trips at its share of what is under it, and is healed by the runbook that its alert matches", () => {
    const parent = { scope: "rack:r1", trips: 2, windowMs: 300_000, because: "100% of 2, at least 2" };
    const config = CONFIG + correlation;
    expect(surroundingsOf({ config }).correlation).toEqual({
      holdDownMs: 120_000,
      parents: [{ ...parent, remedy: null }],
    });
    const power = RUNBOOK.replace("name: disk,", "name: power,")
      .replace("{ alertname: DiskFailing }", "{ alertname: SelfhealCorrelated, parent_kind: rack }")
      .replace("kind: host, from: [host, instance]", "kind: rack, from: [rack]");
    const inventory = `${INVENTORY}  - { kind: rack, id: r1, group: db, rack: r1, attributes: { diskCount: 1 } }\n`;
    const files = { config, inventory, runbooks: [RUNBOOK, power] };
    expect(surroundingsOf(files).correlation?.parents).toMatchObject([{ scope: "rack:r1", remedy: "power" }]);
    // The rack itself lies under no parent of that name.
    expect(surroundingsOf({ ...files }, "web-2").correlation?.parents[0]?.scope).toBe("rack:r1");
  });

  const slos = `apiVersion: selfheal/v1
kind: Slos
slos:
  shop:
    scopes: [group:web]
    objective: 99.9%
    errors: { window: 'bad{pool="\${{ target.pool }}"}', recent: bad1h }
    conservative: { budgetLeft: 20% }
`;

  it("the objectives that govern it are filled in for it", () => {
    expect(surroundingsOf({ slos })).toMatchObject({
      slos: [
        {
          name: "shop",
          errors: { window: 'bad{pool="web"}', recent: "bad1h" },
          maxAgeMs: 300_000,
          aggressive: { budgetLeft: 0.5, burnRate: 1 },
          conservative: { budgetLeft: 0.2, burnRate: 6 },
        },
      ],
    });
    expect(surroundingsOf({ slos }).slos[0]?.objective).toBeCloseTo(0.999, 10);
    expect(surroundingsOf({ slos: slos.replace("group:web", "group:db") }).slos).toEqual([]);
  });

  it.each([
    ["windows[0].scopes[0]", windows.replace("rack:r1", "rack:r7"), "rack:r7"],
    ["windows[0].weekly.timeZone", windows.replace("Europe/Warsaw", "Mars/Base"), "IANA"],
    ["windows[0].weekly.to", windows.replace('to: "02:00"', 'to: "22:00"'), "another time"],
    ["windows[0].weekly.from", windows.replace('"22:00"', '"24:00"'), "a time of day"],
    ["windows[1]", windows.replace(/, once: .*}/, "}"), "either"],
    ["windows[1].name", windows.replace("name: release", "name: power"), "each name once"],
    ["correlation.parents[0].parent", correlation.replace("parent: rack", "parent: row"), "rack"],
  ])("%s is checked", (path, text, says) => {
    const problems = problemsOf({ config: CONFIG + text });
    expect(problems.join("\n")).toContain(path);
    expect(problems.join("\n")).toContain(says);
  });

  it.each([
    ["slos.shop.scopes[0]", slos.replace("group:web", "group:wob")],
    ["slos.shop.objective", slos.replace("99.9%", "100%")],
    ["slos.shop.objective", slos.replace("99.9%", "0.0%")],
    ["slos.shop.errors.window", slos.replace("target.pool", "nothing.pool")],
  ])("%s is checked", (path, text) => {
    expect(problemsOf({ slos: text }).join("\n")).toContain(path);
  });
});

describe("silences on a target", () => {
  const { inventory } = catalogueOf();
  const web1 = inventory.targets[0]!;
  type Matcher = Silence["matchers"][number];
  const is = (name: string, value: string, changes: Partial<Matcher> = {}): Matcher => ({
    ...{ name, value, isRegex: false, isEqual: true },
    ...changes,
  });
  const like = (name: string, value: string): Matcher => is(name, value, { isRegex: true });
  const on = (matchers: Matcher[], ours = false): boolean => {
    const silence: Silence = {
      ...{ id: "s1", state: "active", matchers, comment: "new fan", createdBy: "eve", ours },
      ...{ startsAt: "2026-11-21T11:00:00Z", endsAt: "2026-11-21T13:00:00Z" },
    };
    const alerts = [alertOf({ instance: "web-1.example.net:9100", job: "node" })];
    return silencesOn(inventory, web1, ["host", "instance"], alerts, [silence]).length === 1;
  };

  it.each([
    ["by its name", [is("host", "web-1")], true],
    ["by another of its names, with a port", [is("instance", "10.0.0.1:9100")], true],
    ["by its name under any label", [is("node", "web-1.example.net")], true],
    ["of another alert of it: somebody is there", [is("alertname", "FanFailed"), is("host", "web-1")], true],
    ["of another target", [is("host", "web-2")], false],
    ["of everything but it", [is("host", "web-1", { isEqual: false })], false],
    ["by a pattern", [like("host", "web-[0-9]+")], true],
    ["by a pattern over its address", [like("instance", "web-1.*:9100")], true],
    ["by a pattern of others", [like("host", "db-.*")], false],
    ["a pattern that matches any name names nobody", [is("alertname", "Watchdog"), like("host", ".+")], false],
    ["a pattern over another label", [like("device", "web-1")], false],
    ["that mutes its alert, without its name", [is("alertname", "DiskFailing")], true],
    ["that mutes its alert by a label that is not there", [is("alertname", "DiskFailing"), is("team", "")], true],
    ["that would mute its alert, but for one matcher", [is("alertname", "DiskFailing"), is("team", "db")], false],
    ["without a matcher", [], false],
  ])("%s: %s", (_what, matchers, expected) => {
    expect(on(matchers)).toBe(expected);
  });

  it("our own do not count", () => {
    expect(on([is("host", "web-1")], true)).toBe(false);
  });
});
