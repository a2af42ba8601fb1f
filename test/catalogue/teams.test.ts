import { describe, expect, it } from "vitest";
import type { Catalogue, Content } from "../../src/catalogue/catalogue.ts";
import { catalogueFromContent } from "../../src/catalogue/catalogue.ts";
import { check, type Loaded } from "../../src/catalogue/load.ts";
import { formatProblem } from "../../src/catalogue/problems.ts";
import { readYaml } from "../../src/catalogue/yaml-source.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { CONFIG, edited, INVENTORY, RUNBOOK } from "./support.ts";

const TEAMS = `teams:
  storage: { groups: [web] }
  search: { groups: [web, db] }
`;
const config = edited("values: {", `${TEAMS}values: {`, CONFIG);

/** A runbook of this name for an alert of its own. */
function runbook(name: string, alertname = `${name}Alert`): string {
  return edited("DiskFailing", alertname, edited("name: disk,", `name: ${name},`));
}

function load(
  teams: Record<string, string[]>,
  lastGood: Catalogue | null = null,
  text = config,
  inventory = INVENTORY,
): Loaded {
  const read = (file: string, yaml: string) => readYaml(file, new TextEncoder().encode(yaml));
  return check(
    {
      config: read("selfheal.yaml", text),
      inventory: read("inventory.yaml", inventory),
      runbooks: [read("runbooks/disk.yaml", RUNBOOK)],
      teams: new Map(
        Object.entries(teams).map(([team, files]) => [
          team,
          files.map((yaml, index) => read(`teams/${team}/runbooks/${index}.yaml`, yaml)),
        ]),
      ),
    },
    { actions: FAKE_ACTIONS, lastGood: (lastGood?.content ?? null) as Content | null },
  );
}

function good(loaded: Loaded): Catalogue {
  if (loaded.catalogue === null) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.catalogue;
}
const inUse = ({ teams }: Loaded) =>
  Object.fromEntries(teams.map(({ team, state, runbooks }) => [team, [state, ...runbooks]]));
const said = ({ problems }: Loaded): string => problems.map(formatProblem).join("\n");

const BROKEN = "apiVersion: selfheal/v1\nkind: [";
const BOTH = { storage: [runbook("raid")], search: [runbook("index")] };

describe("runbooks of teams", () => {
  it("stand beside the platform's, each with its team and the groups that this was granted", () => {
    const loaded = load(BOTH);
    expect(loaded.problems).toEqual([]);
    expect(inUse(loaded)).toEqual({ storage: ["current", "raid"], search: ["current", "index"] });
    expect(good(loaded).runbooks.map(({ name, team, groups }) => [name, team, groups])).toEqual([
      ["disk", null, null],
      ["index", "search", ["web", "db"]],
      ["raid", "storage", ["web"]],
    ]);
  });

  it("come back from the stored content with their teams", () => {
    const { content, version } = good(load(BOTH));
    const again = catalogueFromContent(JSON.parse(JSON.stringify(content)) as typeof content, version, FAKE_ACTIONS);
    expect(again.runbooks.find(({ name }) => name === "raid")).toMatchObject({ team: "storage", groups: ["web"] });
  });

  it("may name fewer groups than their team was granted", () => {
    const narrow = edited("from: [host, instance] }", "from: [host, instance], groups: [db] }", runbook("index"));
    expect(good(load({ search: [narrow] })).runbooks.find(({ name }) => name === "index")?.groups).toEqual(["db"]);
  });
});

describe("a team's broken file", () => {
  it("keeps that team's last good runbooks, and the others' edits are taken", () => {
    const before = good(load(BOTH));
    const loaded = load({ storage: [BROKEN], search: [runbook("index"), runbook("shards")] }, before);
    expect(inUse(loaded)).toEqual({ storage: ["lastGood", "raid"], search: ["current", "index", "shards"] });
    expect(good(loaded).runbooks.map(({ name }) => name)).toEqual(["disk", "index", "raid", "shards"]);
    expect(said(loaded)).toContain("teams/storage/runbooks/0.yaml:2:8: ");
  });

  it("leaves a team that never had a good one without any, and nobody else", () => {
    const loaded = load({ storage: [BROKEN], search: [runbook("index")] });
    expect(inUse(loaded)).toEqual({ storage: ["leftOut"], search: ["current", "index"] });
  });

  it("holds back the good files of the team too: a team's runbooks change together or not at all", () => {
    const before = good(load(BOTH));
    const loaded = load({ ...BOTH, storage: [runbook("other"), BROKEN] }, before);
    expect(inUse(loaded)["storage"]).toEqual(["lastGood", "raid"]);
  });

  it("does not come back where it does not fit the configuration any more", () => {
    const before = good(load(BOTH));
    const withdrawn = config.replace("  storage: { groups: [web] }\n", "");
    const loaded = load({ storage: [BROKEN], search: [runbook("index")] }, before, withdrawn);
    expect(inUse(loaded)).toEqual({ storage: ["leftOut"], search: ["current", "index"] });
  });

  it("is no error of a standing approval for a runbook that is then missing", () => {
    const approval = `standingApprovals:
  - { runbook: raid, runbookHash: "${"0".repeat(64)}", group: web, expires: 2027-01-01, maxCount: 1, by: anna }
`;
    const loaded = load({ storage: [BROKEN] }, null, config + approval);
    expect(loaded.catalogue).not.toBeNull();
    expect(said(loaded)).toContain("standingApprovals[0].runbook: warning: there is no such runbook");
    expect(load({}, null, config + approval).catalogue).toBeNull();
  });
});

describe("a newcomer takes nothing away from those who were there first", () => {
  it("an alert of another team", () => {
    const before = good(load({ storage: [runbook("raid")] }));
    // `a` sorts before `storage`, and still comes second.
    const granted = config.replace("storage: {", "a: { groups: [web] }\n  storage: {");
    const loaded = load({ a: [runbook("mine", "raidAlert")], storage: [runbook("raid")] }, before, granted);
    expect(inUse(loaded)).toEqual({ a: ["leftOut"], storage: ["current", "raid"] });
    expect(said(loaded)).toBe(
      'teams/a/runbooks/0.yaml:5:5 match[0]: every alert that this matches also matches raid (got {"alertname":"raidAlert"}), entries that exclude each other',
    );
  });

  it("an alert, or the name, of the platform's", () => {
    expect(inUse(load({ storage: [runbook("mine", "DiskFailing")] }))).toEqual({ storage: ["leftOut"] });
    const named = load({ storage: [runbook("disk", "Other")] });
    expect(inUse(named)).toEqual({ storage: ["leftOut"] });
    expect(said(named)).toContain("metadata.name: this name is the one of runbooks/disk.yaml too");
  });

  it("an alert that fits another's pattern", () => {
    const pattern = edited("alertname: raidAlert", 'alertname: { matches: "raid.*" }', runbook("raid"));
    const before = good(load({ storage: [pattern] }));
    expect(inUse(load({ storage: [pattern], search: [runbook("mine", "raidSlow")] }, before))["search"]).toEqual([
      "leftOut",
    ]);
  });
});

describe("a team touches only what it was granted", () => {
  const of = (yaml: string, team = "storage"): string => said(load({ [team]: [yaml] }));

  it.each([
    [
      "a group that was not granted",
      edited("from: [host, instance] }", "from: [host, instance], groups: [db] }", runbook("raid")),
      'target.groups[0]: the team storage was not granted this group (got "db"), one of web',
    ],
    [
      "a server that it names by itself",
      edited(
        "uses: traffic.drain, with: { pool:",
        'uses: traffic.drain, with: { server: "db-1", pool:',
        runbook("raid"),
      ),
      'steps[1].with.server: a team\'s runbook acts only on its target, and this may be another (got "db-1")',
    ],
    [
      "a server that the alert names",
      edited(
        "uses: traffic.drain, with: { pool:",
        'uses: traffic.drain, with: { server: "${{ alert.labels.server }}", pool:',
        runbook("raid"),
      ),
      "steps[1].with.server: a team's runbook acts only on its target",
    ],
  ])("refused at load: %s", (_what, yaml, expected) => {
    expect(of(yaml)).toContain(expected);
    expect(inUse(load({ storage: [yaml] }))).toEqual({ storage: ["leftOut"] });
  });

  it("a fact of the target is the target", () => {
    const yaml = edited(
      "uses: traffic.drain, with: { pool:",
      'uses: traffic.drain, with: { server: "${{ target.id }}", pool:',
      runbook("raid"),
    );
    expect(of(yaml)).toBe("");
  });

  it("a folder of a team that was granted nothing is refused, with the nearest name", () => {
    expect(of(runbook("raid"), "storge")).toContain(
      'teams/storge/runbooks/0.yaml:1:1: selfheal.yaml grants nothing to a team storge, did you mean "storage"?',
    );
  });

  it("a kind that its groups do not have is a warning", () => {
    const inventory = `${INVENTORY}  - { kind: switch, id: sw-1, group: db }\n`;
    const yaml = edited("kind: host, from", "kind: switch, from", runbook("raid"));
    expect(said(load({ storage: [yaml] }, null, config, inventory))).toContain(
      'target.kind: warning: no target of this kind is in the groups that it may touch (web) (got "switch"), a kind that they have, or one of the groups db',
    );
  });

  it("a grant of a group that is not there is an error of selfheal.yaml", () => {
    const loaded = load({}, null, config.replace("storage: { groups: [web]", "storage: { groups: [wbe]"));
    expect(loaded.catalogue).toBeNull();
    expect(said(loaded)).toContain('teams.storage.groups[0]: there is no such group (got "wbe"), did you mean "web"?');
  });

  it("a standing approval for a group that the runbook may not touch is an error of selfheal.yaml", () => {
    const raid = good(load({ storage: [runbook("raid")] })).runbooks.find(({ name }) => name === "raid");
    const approval = `standingApprovals:
  - { runbook: raid, runbookHash: "${raid?.hash}", group: db, expires: 2027-01-01, maxCount: 1, by: anna }
`;
    expect(said(load({ storage: [runbook("raid")] }, null, config + approval))).toContain(
      'standingApprovals[0].group: the runbook raid may not touch this group (got "db"), one of web',
    );
  });
});
