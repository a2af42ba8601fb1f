/** One mistake hides no other: what cannot be read is looked past, and nothing is said of what was made up for it. */
import { describe, expect, it } from "vitest";
import { CONFIG, edited, INVENTORY, loadFrom, problemsOf, RUNBOOK } from "./support.ts";

/** In the last rung, and of another kind than all that follow. */
const OTHER = edited("steps.dc.ticketId", "steps.dcc.ticketId");
const OTHER_SAID = "runbooks/0.yaml:23:44 ladder[0].steps[3].with.ticket: there is no step dcc before this";

describe("beside a mistake in a runbook another one is found, and nothing else is said", () => {
  it.each([
    ["a missing field", "owner: storage, ", "", "metadata.owner: this is missing"],
    ["a date that is none", "2027-05-01", "soon", "metadata.reviewBy: this is not right"],
    ["a name with a slash", "name: disk,", "name: a/b,", "metadata.name: this is not right"],
    [
      "a mapping in a list's place",
      "\n  - { alertname: DiskFailing }",
      " { alertname: DiskFailing }",
      "match: this is not",
    ],
    ["an empty list", "[host, instance]", "[]", "target.from: this is too little"],
    ["a word in a list's place", "[dc-ops]", "dc-ops", "approval.roles: this is not right"],
    ["a word in a mapping's place", "{ roles: [dc-ops] }", "yes", "approval: this is not right"],
    ["no states", "\n  states: { unhealthy: value == 1, healthy: value == 0 }", "", "probe.states: this is missing"],
    ["no condition", "require: target.diskCount == 1", "require:", "require: this is not right"],
    ["a list in a duration's place", "cooldown: 24h", "cooldown: [24h]", "limits.cooldown: this is not right"],
    ["a negative duration", "cooldown: 24h", "cooldown: -24h", "limits.cooldown: this is not right"],
    [
      "a step that is a word",
      "- { uses: quiet.start, with: { for: 48h } }",
      "- quiet.start",
      "steps[0]: this is not right",
    ],
    ["a rung without a name", "- rung: replace\n    steps:", "- steps:", "ladder[0].rung: this is missing"],
    ["a duration deep inside", "hold: 10m", "hold: ten", "ladder[0].verify.hold: this is not right"],
  ])("%s", (_what, from, to, said) => {
    const lines = (text: string): number => text.split("\n").length;
    const moved = lines(from) - lines(to);
    const other = OTHER_SAID.replace(":23:", `:${23 - moved}:`);
    const problems = problemsOf({ runbooks: [edited(from, to, OTHER)] });
    expect(problems).toHaveLength(2);
    expect(problems.join("\n")).toContain(said);
    expect(problems.join("\n")).toContain(other);
  });

  it("a key that is there twice", () => {
    const problems = problemsOf({ runbooks: [edited("limits:", "harm: {}\nlimits:", OTHER)] }).join("\n");
    expect(problems).toContain("map keys must be unique");
    expect(problems).toContain("there is no step dcc before this");
  });
});

describe("ten mistakes of as many kinds", () => {
  const MISTAKES: [from: string, to: string, path: string][] = [
    ["uses: traffic.drain", "uses: trafic.drain", "ladder[0].steps[1].uses"],
    ['queue: "${{ config.queue }}"', "quue: x", "ladder[0].steps[2].with.quue"],
    ["require: target.diskCount == 1", "require: target.group", "require"],
    ["{ alertname: DiskFailing }", "{ alertname: DiskFailing }\n  - { alertname: DiskFailing, disk: a }", "match[1]"],
    ["steps.dc.ticketId", "steps.dcc.ticketId", "ladder[0].steps[3].with.ticket"],
    ["within: 2h", "within: 1ms", "ladder[0].steps[4].within"],
    ["approval: { roles: [dc-ops] }\n", "", "ladder[0].steps[4].uses"],
    ["rack: 1,", "rak: 1,", "limits.rak"],
    ["from: [host, instance]", "groups: [wbe], from: [host, instance]", "target.groups[0]"],
  ];

  it("are all found, with those of the other files, in one go", () => {
    const runbook = MISTAKES.reduce((text, [from, to]) => edited(from, to, text), RUNBOOK);
    const inventory = INVENTORY.replace("group: db,", "group: bd,").replace(
      "    stateless: true\n",
      "    stateless: maybe\n",
    );
    const { catalogue, problems } = loadFrom({
      config: CONFIG.replace("mode: review", "mode: reviw"),
      inventory,
      runbooks: [runbook, edited("name: disk,", "name: other,")],
    });
    expect(catalogue).toBeNull();
    const found = problems.map(({ file, path }) => `${file} ${path}`);
    expect(found).toEqual(
      expect.arrayContaining([
        ...MISTAKES.map(([, , path]) => `runbooks/0.yaml ${path}`),
        "runbooks/1.yaml match[0]",
        "inventory.yaml targets[0].stateless",
        "inventory.yaml targets[2].group",
        "selfheal.yaml groups.db.mode",
      ]),
    );
    for (const { line, col, message, wouldBeRight } of problems) {
      expect([line > 0, col > 0, message !== "", wouldBeRight !== ""]).toEqual([true, true, true, true]);
    }
  });

  it("a section that is missing as a whole is said once, not for everything that refers to it", () => {
    const config = CONFIG.replace(/groups:\n.*\n.*\n/, "groups: none\n");
    expect(problemsOf({ config })).toEqual([expect.stringContaining("groups: this is not right") as string]);
  });
});
