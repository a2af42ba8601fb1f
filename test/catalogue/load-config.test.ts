import { describe, expect, it } from "vitest";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { catalogueOf, CONFIG, edited, INVENTORY, loadFrom, problemsOf, RUNBOOK } from "./support.ts";

describe("a mistake in the configuration or the inventory is located", () => {
  const inConfig = (from: string, to: string): string => problemsOf({ config: edited(from, to, CONFIG) }).join("\n");
  const inInventory = (from: string, to: string): string =>
    problemsOf({ inventory: edited(from, to, INVENTORY) }).join("\n");

  it.each([
    [
      "an unknown connection",
      "prometheus: { url",
      "promtheus: { url",
      'connections.promtheus: this key is not known, did you mean "prometheus"?',
    ],
    [
      "a secret that is written out",
      "token: env:RT_TOKEN",
      "token: hunter2",
      "connections.tickets.token: a secret is written out, and the catalogue is stored, env:NAME or file:PATH",
    ],
    ["a URL with a password", "http://127.0.0.1:8080", "http://me:hunter2@127.0.0.1:8080", "the URL holds a password"],
    ["a secret among the values", "queue: datacenter", "queue: env:QUEUE", "a secret cannot be used here"],
    [
      "a person who is there twice",
      "  - { name: anna, roles: [dc-ops] }",
      "  - { name: anna }\n  - { name: anna, roles: [dc-ops] }",
      "people[1].name: this person is there twice",
    ],
    [
      "a time scale that stretches",
      "mode: auto\npeople",
      "mode: auto\ntimeScale: 0.5\npeople",
      "timeScale: this is too little (got 0.5), a number of at least 1",
    ],
    [
      "a probe that cannot be",
      "with: { host:",
      "with: { hots:",
      'probes["host.ready"].with.hots: this key is not known, did you mean "host"?',
    ],
  ])("%s", (_what, from, to, expected) => {
    const problems = inConfig(from, to);
    expect(problems).toContain(expected);
    expect(problems).not.toContain("hunter2");
  });

  it.each([
    [
      "a group that the configuration does not know",
      "group: web\n",
      "group: wbe\n",
      'targets[0].group: selfheal.yaml has no such group (got "wbe"), did you mean "web"?',
    ],
    [
      "a name that is two targets'",
      "aliases: [10.0.0.2]",
      "aliases: [WEB-1.example.net]",
      'targets[1].aliases[0]: this name is also one of web-1 (got "WEB-1.example.net")',
    ],
    ["an id that is there twice", "id: web-2", "id: web-1", "targets[1].id: this name is also one of web-1"],
    [
      "a label that is no text",
      'selfheal: "off"',
      "selfheal: false",
      "targets[2].labels.selfheal: this is not right (got false), a text: write it in quotes",
    ],
    ["an attribute that hides a field", "diskCount: 2", "owner: me", "targets[1].attributes: this is not right"],
    ["an empty id", "id: web-2", 'id: " "', "targets[1].id: this is not right"],
  ])("%s", (_what, from, to, expected) => {
    expect(inInventory(from, to)).toContain(expected);
  });

  it("a missing secret is named with its place and its variable, never with a value", () => {
    const secrets = { env: {}, readFile: () => "" };
    expect(loadFrom({}, { secrets }).catalogue).toBeNull();
    expect(problemsOf({}, { secrets })).toEqual([
      "selfheal.yaml:11:74 connections.tickets.token: the environment variable RT_TOKEN is not set, set RT_TOKEN",
    ]);
  });

  it("a runbook that is there twice", () => {
    const problems = problemsOf({ runbooks: [RUNBOOK, edited("alertname: DiskFailing", "alertname: Other")] });
    expect(problems).toEqual([
      'runbooks/1.yaml:3:19 metadata.name: this name is the one of runbooks/0.yaml too (got "disk"), each name once',
    ]);
  });

  it("two runbooks for one alert, of which neither could be chosen", () => {
    const narrow = edited("name: disk", "name: disk2").replace(
      "alertname: DiskFailing",
      "alertname: DiskFailing, team: a",
    );
    const problems = problemsOf({ runbooks: [RUNBOOK, narrow] });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("runbooks/1.yaml:5:5 match[0]: every alert that this matches also matches disk");
  });

  it("all mistakes of all files are found at once", () => {
    const problems = problemsOf({
      config: edited("better: higher", "better: more", CONFIG),
      inventory: edited("stateless: true", "stateless: yes", INVENTORY),
      runbooks: [edited("hold: 10m", "hold: ten").replace("uses: desk.wait", "uses: desk.wiat"), "kind: Runbook"],
    });
    expect(new Set(problems.map((problem) => problem.split(":")[0]))).toEqual(
      new Set(["selfheal.yaml", "inventory.yaml", "runbooks/0.yaml", "runbooks/1.yaml"]),
    );
  });
});

describe("a standing approval in the file", () => {
  const withApproval = (hash: string): string =>
    `${CONFIG}standingApprovals: [{ runbook: disk, runbookHash: ${hash}, group: web, expires: 2027-01-01, maxCount: 5, by: anna }]\n`;

  it("counts for exactly the runbook that it names by hash", () => {
    const hash = catalogueOf().runbooks[0]?.hash ?? "";
    expect(catalogueOf({ config: withApproval(hash) }).standingApprovals).toEqual([
      {
        runbook: "disk",
        runbookHash: hash,
        group: "web",
        by: "anna",
        expiresAt: "2027-01-01T00:00:00.000Z",
        maxCount: 5,
      },
    ]);
  });

  it.each([
    ["the runbook", { runbooks: [edited("within: 2h", "within: 3h")] }],
    ["a probe that it uses", { config: edited("port: 22", "port: 2222", CONFIG) }],
    ["the SLI that it uses", { config: edited("worseBy: 0.02", "worseBy: 0.5", CONFIG) }],
    ["a value that it uses", { config: edited("queue: datacenter", "queue: elsewhere", CONFIG) }],
  ])("lapses, and says so, when %s changes", (_what, files) => {
    const hash = catalogueOf().runbooks[0]?.hash ?? "";
    const config = `${"config" in files ? files.config : CONFIG}${withApproval(hash).slice(CONFIG.length)}`;
    const { catalogue, problems } = loadFrom({ ...files, config });
    expect(catalogue?.standingApprovals).toEqual([]);
    expect(problems).toMatchObject([{ severity: "warning", path: "standingApprovals[0].runbookHash" }]);
    expect(problems[0]?.wouldBeRight).toBe(`its hash is now ${catalogue?.runbooks[0]?.hash}`);
  });

  it("lapses when a value changes that is only found by a calculated name", () => {
    const runbooks = [edited('"${{ target.image }}"', `"\${{ config[target.pool + 'Image'] }}"`)];
    const [one, other] = ["debian-12", "debian-13"].map((image) => {
      const config = edited(
        "values: { queue: datacenter }",
        `values: { queue: datacenter, webImage: ${image} }`,
        CONFIG,
      );
      return catalogueOf({ config, runbooks }).runbooks[0]?.hash;
    });
    expect(one).not.toBe(other);
  });

  it("is not lost by another review date", () => {
    const hash = catalogueOf().runbooks[0]?.hash;
    expect(catalogueOf({ runbooks: [edited("reviewBy: 2027-05-01", "reviewBy: 2028-05-01")] }).runbooks[0]?.hash).toBe(
      hash,
    );
  });

  it("lapses when an action gets another version", () => {
    const hash = catalogueOf().runbooks[0]?.hash;
    const wipe = FAKE_ACTIONS["host.wipe"]!;
    const actions = { ...FAKE_ACTIONS, "host.wipe": { ...wipe, version: 2 } };
    expect(catalogueOf({}, { actions }).runbooks[0]?.hash).not.toBe(hash);
  });
});
