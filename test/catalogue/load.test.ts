import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogueFromContent, loadCatalogue } from "../../src/catalogue/load.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { catalogueOf, CONFIG, edited, INVENTORY, loadFrom, problemsOf, RUNBOOK } from "./support.ts";

describe("a right folder", () => {
  it("loads without any problem", () => {
    expect(loadFrom().problems).toEqual([]);
    expect(catalogueOf().runbooks.map((runbook) => runbook.name)).toEqual(["disk"]);
  });

  it("has the same version whatever the order of keys, the layout and the comments", () => {
    const other = edited("metadata: { name: disk, owner: storage,", "# hello\nmetadata: { owner: storage, name: disk,");
    expect(catalogueOf({ runbooks: [other] }).version).toBe(catalogueOf().version);
  });

  it("has another version when anything of its content changes", () => {
    expect(catalogueOf({ inventory: edited("rack: r1", "rack: r2", INVENTORY) }).version).not.toBe(
      catalogueOf().version,
    );
  });

  it("comes back from its stored content as the same catalogue", () => {
    const made = catalogueOf();
    const stored = JSON.parse(JSON.stringify(made.content)) as typeof made.content;
    const again = catalogueFromContent(stored, made.version, FAKE_ACTIONS);
    const plain = (catalogue: typeof made): unknown => JSON.parse(JSON.stringify(catalogue));
    expect(plain(again)).toEqual(plain(made));
    expect([...again.inventory.byName.get("host")!.keys()]).toEqual([...made.inventory.byName.get("host")!.keys()]);
  });

  it("refuses stored content of a form that it does not know", () => {
    expect(() => catalogueFromContent({ schema: 2 }, "v", FAKE_ACTIONS)).toThrow(
      "form that this program does not know",
    );
  });

  it("divides every duration of the catalogue by the time scale, and keeps it in the content", () => {
    const scaled = catalogueOf({ config: edited("mode: auto", "mode: auto\ntimeScale: 60", CONFIG) });
    expect(scaled.runbooks[0]?.spec.limits.cooldown).toBe(24 * 60_000);
    expect(scaled.runbooks[0]?.spec.limits.attempts.windowMs).toBe(7 * 24 * 60_000);
    expect(catalogueFromContent(scaled.content, scaled.version, FAKE_ACTIONS).timeScale).toBe(60);
    expect(catalogueOf({}, { timeScale: 10 }).runbooks[0]?.spec.limits.cooldown).toBe(2.4 * 3_600_000);
  });

  it("stores references to secrets, never the secrets", () => {
    const secrets = { env: { RT_TOKEN: "hunter2" }, readFile: () => "" };
    expect(JSON.stringify(catalogueOf({}, { secrets }).content)).not.toContain("hunter2");
  });
});

describe("a mistake in a runbook is located and says what would be right", () => {
  it.each([
    [
      "a misspelt key",
      "require: target",
      "requires: target",
      'runbooks/0.yaml:7:1 requires: this key is not known, did you mean "require"?',
    ],
    [
      "a misspelt key of a step",
      "within: 24h",
      "witin: 24h",
      '.steps[3].witin: this key is not known, did you mean "within"?',
    ],
    [
      "an unknown action",
      "uses: traffic.drain",
      "uses: trafic.drain",
      'steps[1].uses: there is no such action (got "trafic.drain"), did you mean "traffic.drain"?',
    ],
    [
      "an input of the wrong type",
      'pool: "${{ target.pool }}"',
      "pool: 7",
      "steps[1].with.pool: this is not right (got 7), a string is expected",
    ],
    ["an unknown input", "for: 48h", "fro: 48h", 'with.fro: this key is not known, did you mean "for"?'],
    ["no duration", "for: 48h", "for: 48", "with.for: this is not a duration (got 48), a duration such as 30s"],
    [
      "no duration either",
      "cooldown: 24h",
      "cooldown: 24 hours",
      'limits.cooldown: this is not right (got "24 hours"), a duration such as 30s, 10m, 4h or 7d',
    ],
    [
      "a rate without window",
      "rate: 20 per 1h",
      "rate: 20",
      'limits.rate: this is not right (got 20), a count in a window such as "2 per 7d"',
    ],
    [
      "a share of more than everything",
      "group: 10%",
      "group: 101%",
      'limits.group: this is not right (got "101%"), a whole number of at least 1',
    ],
    [
      "a wrong choice",
      "restore: ramp",
      "restore: slowly",
      'finish.healthy.restore: this is not right (got "slowly"), one of atOnce, ramp',
    ],
    [
      "an unknown step",
      "steps.dc.ticketId",
      "steps.dcc.ticketId",
      'there is no step dcc before this (got "${{ steps.dcc.ticketId }}"), did you mean "dc"?',
    ],
    [
      "a result that the step does not give",
      "steps.dc.ticketId",
      "steps.dc.ticket",
      'step dc gives no ticket (got "${{ steps.dc.ticket }}"), did you mean "ticketId"?',
    ],
    ["a later step", 'pool: "${{ target.pool }}"', 'pool: "${{ steps.dc.url }}"', "step dc comes later"],
    [
      "a calculation with a step's result",
      "${{ steps.dc.ticketId }}",
      "${{ steps.dc.ticketId + 'x' }}",
      "a step's result can only be named",
    ],
    ["unknown evidence", "collected.disk.serial", "collected.disc.serial", "there is no collect disc before this"],
    [
      "an unknown field of evidence",
      "collected.disk.serial",
      "collected.disk.serila",
      'collect disk gives no serila (got "${{ collected.disk.serila }}"), did you mean "serial"?',
    ],
    [
      "an unknown root",
      "target.image",
      "targt.image",
      'targt is not known here (got "${{ targt.image }}"), did you mean "target"?',
    ],
    [
      "evidence before there is any",
      '"${{ alert.labels.device }}"',
      '"${{ collected.disk.slot }}"',
      "collected is not known here",
    ],
    [
      "an unknown value",
      "config.queue",
      "config.que",
      'selfheal.yaml has no value que (got "${{ config.que }}"), did you mean "queue"?',
    ],
    ["a template that is not closed", "${{ target.image }}", "${{ target.image", "${{ is not closed"],
    [
      "a condition that does not parse",
      "require: target.diskCount == 1",
      "require: target.diskCount ==",
      "require: the expression does not parse",
    ],
    [
      "a condition that is none",
      "require: target.diskCount == 1",
      "require: target.group",
      'require: this gives a text, not true or false (got "target.group"), a comparison, such as a == b',
    ],
    [
      "a condition that can never hold",
      "require: target.diskCount == 1",
      "require: 1 > 2",
      "require: this is always false",
    ],
    ["a state that always holds", "healthy: value == 0", 'healthy: "true"', "states.healthy: this is always true"],
    [
      "a comparison of two types",
      "require: target.diskCount == 1",
      'require: target.group == 1 || target.stateless == "yes"',
      "require: a text is compared with a number (==)",
    ],
    [
      "no condition on one side",
      "require: target.diskCount == 1",
      "require: target.stateless && target.id",
      "&& takes true or false, and this is a text",
    ],
    [
      "a measurement of another type",
      "unhealthy: value == 1",
      'unhealthy: value == "1"',
      "a number is compared with a text (==)",
    ],
    [
      "a text where a mapping is",
      '"${{ target.pool }}"',
      '"${{ target.labels }}"',
      'steps[1].with.pool: this gives a mapping (got "${{ target.labels }}"), a text is expected',
    ],
    [
      "evidence of another type",
      "${{ target.image }}",
      "${{ size(collected.disk.serial) }}",
      "with.image: this gives a number",
    ],
    [
      "a value of another type",
      'queue: "${{ config.queue }}"',
      "queue: \"${{ config.queue == 'a' }}\"",
      "with.queue: this gives true or false",
    ],
    [
      "an unknown function",
      "require: target.diskCount == 1",
      "require: sizeof(target.id) == 1",
      "CEL has no function sizeof()",
    ],
    [
      "an unknown measurement",
      "unhealthy: value == 1",
      "unhealthy: valu == 1",
      'states.unhealthy: valu is not known here (got "valu == 1"), did you mean "value"?',
    ],
    ["the same state twice", "healthy: value == 0", "healthy: value == 1", "both states are the same"],
    [
      "an unknown kind of probe",
      "uses: prometheus.query",
      "uses: prometheus.qery",
      'there is no such kind of probe (got "prometheus.qery"), did you mean "prometheus.query"?',
    ],
    [
      "a time-out shorter than its wait",
      "within: 2h",
      "within: 10s",
      'a request of host.wipe may still take effect 1m after it was sent: this is shorter (got "10s"), at least 1m',
    ],
    ["a repeated step", "id: dc, uses: desk.open", "id: drain, uses: desk.open", "the rung has this step id already"],
    [
      "an irreversible step without approval",
      "approval: { roles: [dc-ops] }\n",
      "",
      'this action is irreversible, and the runbook has no approval (got "host.wipe"), approval: { roles: […] }',
    ],
    ["no verification", "    verify: { hold: 10m, also: [host.ready] }\n", "", "ladder[0].verify: this is missing"],
    [
      "an unknown named probe",
      "also: [host.ready]",
      "also: [host.redy]",
      'verify.also[0]: selfheal.yaml has no such probe (got "host.redy"), did you mean "host.ready"?',
    ],
    ["an unknown SLI", "sli: availability", "sli: avail", "harm.sli: selfheal.yaml has no such SLI"],
    [
      "no match",
      "  - { alertname: DiskFailing }",
      "  []",
      "match: this is too little (got []), at least one entry: without any it would match every alert",
    ],
    ["an empty match", "{ alertname: DiskFailing }", "{}", "an empty entry would match every alert"],
    [
      "a match that is no regular expression",
      "alertname: DiskFailing",
      'alertname: { matches: "a)|(b" }',
      "this is no regular expression",
    ],
    ["evidence that changes something", "uses: disk.report", "uses: host.reboot", "this action changes something"],
    ["a ramp without length", "restore: ramp, over: 10m", "restore: ramp", "finish.healthy.over: this is missing"],
    ["a wrong kind", "kind: Runbook", "kind: Playbook", 'kind: this is not right (got "Playbook"), one of Runbook'],
  ])("%s", (_what, from, to, expected) => {
    expect(mistakes(from, to)).toContain(expected);
  });

  /** Some replacements make more than one mistake: each is found. */
  function mistakes(from: string, to: string): string {
    const { catalogue, problems } = loadFrom({ runbooks: [edited(from, to)] });
    expect(catalogue).toBeNull();
    expect(problems.every((problem) => problem.line > 0 && problem.col > 0)).toBe(true);
    return problemsOf({ runbooks: [edited(from, to)] }).join("\n");
  }

  it.each([
    ["{ alertname: DiskFailing, severity: critical }", "match[1]"],
    ['{ alertname: { matches: "Disk.*" } }', "match[0]"],
  ])("an entry of match that is never needed: %s", (entry, at) => {
    const yaml = edited("  - { alertname: DiskFailing }", `  - { alertname: DiskFailing }\n  - ${entry}`);
    expect(problemsOf({ runbooks: [yaml] }).join("\n")).toContain(`${at}: warning: this entry is never needed`);
  });

  it("two runbooks of which one matches by pattern what the other names", () => {
    const other = edited(
      "alertname: DiskFailing",
      'alertname: { matches: "Disk.*" }',
      edited("name: disk,", "name: any,"),
    );
    expect(problemsOf({ runbooks: [RUNBOOK, other] }).join("\n")).toContain(
      "match[0]: every alert that this matches also matches any",
    );
  });

  it("types that are not known are no mistakes", () => {
    const fine = edited(
      "require: target.diskCount == 1",
      "require: target.pool == config.queue && has(target.rack) && target.services.exists(s, s == 'a') && target.rack != null",
    );
    expect(problemsOf({ runbooks: [fine] })).toEqual([]);
  });

  it("a quorum that the people with the role cannot reach is a warning", () => {
    const { catalogue, problems } = loadFrom({ runbooks: [RUNBOOK.replace("[dc-ops]", "[dc-ops], quorum: 2")] });
    expect(catalogue?.runbooks[0]?.spec.approval?.quorum).toBe(2);
    expect(problems.map((one) => `${one.severity} ${one.message}`)).toEqual([
      "warning only 1 of people have one of these roles",
    ]);
  });

  it("a misspelt key, a wrong word or a wrong duration hides no other mistake", () => {
    const mistaken = [
      ["cooldown: 24h", "cooldown: 24 hours"],
      ["rack: 1,", "rak: 1,"],
      ["require: target.diskCount == 1", "require: target.group"],
      ["uses: traffic.drain", "uses: trafic.drain"],
      ["steps.dc.ticketId", "steps.dcc.ticketId"],
    ].reduce((yaml, [from = "", to = ""]) => edited(from, to, yaml), RUNBOOK);
    const config = CONFIG.replace("mode: auto", "mode: atuo");
    const problems = problemsOf({ config, runbooks: [mistaken] });
    const paths = problems.filter((one) => !one.includes("warning")).map((one) => /\S+ (\S+): /.exec(one)?.[1]);
    expect([...new Set(paths)].sort()).toEqual([
      "ladder[0].steps[1].uses",
      "ladder[0].steps[3].with.ticket",
      "limits.cooldown",
      "limits.rak",
      "mode",
      "require",
    ]);
  });

  it("a key that is misspelt counts as what it was meant to be, not as missing", () => {
    expect(problemsOf({ runbooks: [edited("approval:", "aproval:")] })).toEqual([
      expect.stringContaining('aproval: this key is not known, did you mean "approval"?') as string,
    ]);
  });

  it("a repeated rung", () => {
    const twice = RUNBOOK.replace(
      "finish:",
      "  - { rung: replace, steps: [{ uses: disk.report }], verify: { hold: 1m } }\nfinish:",
    );
    expect(problemsOf({ runbooks: [twice] }).join("\n")).toContain(
      'ladder[1].rung: this rung is there twice: the ladder is climbed once (got "replace")',
    );
  });

  it("a reference to a step of another rung", () => {
    const second =
      '  - { rung: second, steps: [{ uses: desk.wait, with: { ticket: "${{ steps.dc.ticketId }}" } }], verify: { hold: 1m } }\nfinish:';
    expect(problemsOf({ runbooks: [RUNBOOK.replace("finish:", second)] }).join("\n")).toContain(
      "there is no step dc before this",
    );
  });
});

describe("a folder on disk", () => {
  it("loads, and says which files are not there", async () => {
    const folder = await mkdtemp(join(tmpdir(), "catalogue-"));
    try {
      const empty = await loadCatalogue(folder, { actions: FAKE_ACTIONS });
      expect(empty.problems.map(({ file, message }) => [file, message])).toEqual([
        ["inventory.yaml", "there is no such file"],
        ["runbooks", "there is no such file"],
        ["selfheal.yaml", "there is no such file"],
      ]);
      await mkdir(join(folder, "runbooks"));
      await writeFile(join(folder, "selfheal.yaml"), CONFIG);
      await writeFile(join(folder, "inventory.yaml"), INVENTORY);
      await writeFile(join(folder, "runbooks", "disk.yaml"), RUNBOOK);
      await writeFile(join(folder, "runbooks", "notes.txt"), "not a runbook");
      const loaded = await loadCatalogue(folder, { actions: FAKE_ACTIONS });
      expect(loaded.problems).toEqual([]);
      expect(loaded.catalogue?.version).toBe(catalogueOf().version);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
