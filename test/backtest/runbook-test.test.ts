/** `*.test.yaml`: decided by the policy itself, and what does not hold is found at its place. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import { runRunbookTests, testFile } from "../../src/backtest/runbook-test/run.ts";
import { formatProblem } from "../../src/catalogue/problems.ts";
import { readYaml } from "../../src/catalogue/yaml-source.ts";
import { projectPath } from "../../src/config/project.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { CONFIG, INVENTORY, RUNBOOK, catalogueOf } from "../catalogue/support.ts";

const source = (file: string, text: string) => readYaml(file, new TextEncoder().encode(text));
const folder = {
  catalogue: catalogueOf({
    inventory: INVENTORY.replace(
      "rack: r1, attributes: { pool: web, image: debian-12, diskCount: 2",
      "rack: r2, attributes: { pool: web, image: debian-12, diskCount: 1",
    ),
  }),
  sources: {
    config: source("selfheal.yaml", CONFIG),
    inventory: source("inventory.yaml", INVENTORY),
    runbooks: [source("runbooks/0.yaml", RUNBOOK)],
  },
  actions: FAKE_ACTIONS,
};

function testsOf(facts: string, expected: string, more = "") {
  const text = `apiVersion: selfheal/v1
kind: RunbookTest
${more}tests:
  - name: one
    alerts: [{ labels: { alertname: DiskFailing, host: web-1, device: sda } }]
    facts: { mode: auto, collected: { disk: { serial: S1 } }, ${facts} }
    expect: { ${expected} }
`;
  const { outcomes, problems } = testFile(source("disk.test.yaml", text), folder);
  return [...problems, ...outcomes.flatMap((one) => one.problems)].map(formatProblem);
}

describe("facts of a runbook test", () => {
  // The runbook's own mode is observe, so every verdict is; the reasons say what else stands against it.
  it.each([
    ["", "verdict: observe, reasons: [MODE_OBSERVE, APPROVAL_REQUIRED]"],
    ["approvedBy: [anna]", "reasons: [MODE_OBSERVE]"],
    ["approvedBy: [anna], probe: healthy", "reasons: [MODE_OBSERVE, FACTS_UNAVAILABLE]"],
    ["approvedBy: [anna], inWork: [web-2]", "reasons: [MODE_OBSERVE, GROUP_CAP]"],
    ["approvedBy: [anna], leftOut: [web-2]", "reasons: [MODE_OBSERVE, GROUP_CAP]"],
    ["approvedBy: [anna], paused: [group:web]", "reasons: [MODE_OBSERVE, PAUSED]"],
    ["approvedBy: [anna], fired: 5", "reasons: [MODE_OBSERVE, FLAPPING]"],
    ["approvedBy: [anna], acted: [{ target: web-1, runbook: disk, ago: 2h }]", "reasons: [MODE_OBSERVE, COOLDOWN]"],
    ["approvedBy: [anna], acted: [{ target: web-1, runbook: disk, ago: 2d }]", "reasons: [MODE_OBSERVE]"],
    [
      "approvedBy: [anna], acted: [{ target: web-1, runbook: disk, ago: 2d }, { target: web-1, runbook: disk, ago: 3d }]",
      "reasons: [MODE_OBSERVE, ATTEMPTS_EXHAUSTED]",
    ],
  ])("%s", (facts, expected) => {
    expect(testsOf(facts, expected)).toEqual([]);
  });
});

describe("what does not hold", () => {
  it("is said at the expectation, with what was decided and why", () => {
    expect(testsOf("", "runbook: disk, verdict: act, target: host/web-2, steps: [replace/drain]")).toEqual([
      'disk.test.yaml:7:52 tests[0].expect.target: "one" is decided otherwise (got "host/web-2"), decided: "host/web-1"',
      expect.stringMatching(
        /^disk\.test\.yaml:7:39 tests\[0\]\.expect\.verdict: "one" is decided otherwise: MODE_OBSERVE: .* \(got "act"\), decided: "observe"$/,
      ),
      expect.stringContaining('(got ["replace/drain"]), decided: ["replace/start","replace/drain","replace/dc"'),
    ]);
  });

  it.each([
    [
      "collectd: {}",
      "verdict: observe",
      /:6:\d+ tests\[0\]\.facts\.collectd: this key is not known, did you mean "collected"\?/,
    ],
    ["", "verdict: perhaps", /tests\[0\]\.expect\.verdict: this is not right \(got "perhaps"\), one of act, review/],
    ["", "reasons: [COLDOWN]", /tests\[0\]\.expect\.reasons\[0\]: .*a reason code/],
    ["inWork: [web-9]", "verdict: observe", /tests\[0\]\.facts\.inWork\[0\]: the inventory has no host web-9/],
    ["", "", /tests\[0\]\.expect: .*at least one expectation/],
  ])("is located when the file itself is wrong: %s %s", (facts, expected, message) => {
    expect(testsOf(facts, expected).join("\n")).toMatch(message);
  });

  it("uses its own inventory where it brings one", () => {
    const own = `inventory: { apiVersion: selfheal/v1, kind: Inventory, targets: [{ kind: host, id: other, group: web }] }\n`;
    expect(testsOf("", "reasons: [TARGET_UNKNOWN]", own)).toEqual([]);
    expect(testsOf("", "verdict: observe", "inventory: { kind: Inventory }\n").join("\n")).toContain(
      "disk.test.yaml#inventory",
    );
  });
});

it.each(["runbooks", "examples/first-remediation"])("the tests beside the shipped runbooks hold: %s", async (path) => {
  const { outcomes, problems } = await runRunbookTests(projectPath(path), ACTIONS);
  expect(problems).toEqual([]);
  expect(outcomes.filter(({ passed }) => !passed)).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(1);
});

describe("the tests of a team", () => {
  const OF_TEAM = join("teams", "storage", "runbooks");
  let folder: string;

  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), "runbook-test-")), "config");
    await cp(projectPath("examples", "first-remediation"), folder, { recursive: true });
    await mkdir(join(folder, OF_TEAM), { recursive: true });
    const config = await readFile(join(folder, "selfheal.yaml"), "utf8");
    const granted = config.replace("connections:", "teams: { storage: { groups: [web] } }\nconnections:");
    await writeFile(join(folder, "selfheal.yaml"), granted);
    const text = await readFile(join(folder, "runbooks", "disk-replacement.yaml"), "utf8");
    await writeFile(join(folder, OF_TEAM, "raid.yaml"), raid(text));
    await writeFile(join(folder, OF_TEAM, "raid.test.yaml"), RAID_TEST);
  });
  afterEach(() => rm(join(folder, ".."), { recursive: true }));

  const raid = (text: string): string =>
    text.replace("name: disk-replacement", "name: raid").replace(/SmartDiskFailing/g, "RaidFailing");
  const RAID_TEST = `apiVersion: selfheal/v1
kind: RunbookTest
tests:
  - name: only observes
    alerts: [{ labels: { alertname: RaidFailing, host: web-1, device: sda } }]
    facts: { collected: { disk: { serial: S1, slot: "0", model: X1 } } }
    expect: { runbook: raid, verdict: observe }
`;
  const run = () => runRunbookTests(folder, ACTIONS);

  it("are run where the team keeps its runbooks, beside those of the platform", async () => {
    const { outcomes, problems } = await run();
    expect(problems).toEqual([]);
    expect(outcomes.filter(({ passed }) => !passed)).toEqual([]);
    const files = [...new Set(outcomes.map(({ file }) => file))];
    expect(files).toEqual(["runbooks/disk-replacement.test.yaml", "teams/storage/runbooks/raid.test.yaml"]);
  });

  it("may bring a fleet of their own, and then stand beside no other team", async () => {
    const inventory = await readFile(join(folder, "inventory.yaml"), "utf8");
    const own = inventory.trimEnd().replace(/^/gm, "  ");
    await writeFile(join(folder, OF_TEAM, "raid.test.yaml"), `inventory:\n${own}\n${RAID_TEST}`);
    await mkdir(join(folder, "teams", "lost", "runbooks"), { recursive: true });
    await writeFile(join(folder, "teams", "lost", "runbooks", "x.yaml"), "kind: [");
    const { outcomes } = await run();
    expect(outcomes.map(({ file, passed }) => [file.split("/")[1], passed])).toContainEqual(["storage", true]);
  });

  it("name the mistakes of its runbooks, and those of others go on", async () => {
    await writeFile(join(folder, OF_TEAM, "raid.yaml"), "kind: [");
    const { outcomes, problems } = await run();
    expect(problems.map(({ file }) => file)).toContain("teams/storage/runbooks/raid.yaml");
    const failed = outcomes.filter(({ passed }) => !passed).map(({ file }) => file);
    expect(failed).toEqual(["teams/storage/runbooks/raid.test.yaml"]);
  });
});
