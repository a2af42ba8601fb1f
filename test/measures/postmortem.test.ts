import { describe, expect, it } from "vitest";
import { plotLines, PLOT_COLUMNS, type Plot } from "../../src/measures/plot.ts";
import { postmortemOf, type PostmortemFacts } from "../../src/measures/postmortem.ts";
import { timelineOf } from "../../src/measures/timeline.ts";
import type { AuditRow, RemediationRow, RemediationStory } from "../../src/record/api.ts";
import type { EffectRow } from "../../src/record/api-effects.ts";
import { anAlert, aPlan } from "../record/builders.ts";
import { at } from "./support.ts";

const REMEDIATION: RemediationRow = {
  ...{ remediationId: "r1", workflowId: "w", runId: "run", target: { kind: "host", id: "web-1" }, runbook: "disk" },
  ...{ group: "web", owner: "sre", severity: "critical", phase: "closed", doing: "", phaseUntil: null, planHash: "h" },
  ...{ catalogueVersion: "c", outcome: "escalated", needsHuman: true, detail: "the disk is still bad" },
  ...{ openedAt: at("10:00"), closedAt: at("11:00") },
};

function effect(changes: Partial<EffectRow> = {}): EffectRow {
  return {
    ...{ key: "k", remediationId: "r1", rung: "one", step: "drain", action: "loadbalancer.drain", direction: "apply" },
    ...{ attempt: 1, state: "happened", request: {}, result: {}, detail: "drained" },
    ...{ intentAt: at("10:05"), settledAt: at("10:06") },
    ...changes,
  };
}

const entry = (kind: string, time: string, body: AuditRow["body"] = {}): AuditRow => {
  return { remediationId: "r1", seq: 1, at: at(time), kind, body, previousHash: "", hash: "" };
};

function facts(story: Partial<RemediationStory> = {}, more: Partial<PostmortemFacts> = {}): PostmortemFacts {
  const alert = { ...anAlert({ startsAt: at("09:59"), receivedAt: at("10:00") }), faultKey: "f" as never };
  const row = {
    ...alert,
    target: null,
    disposition: "delivered",
    reason: null,
    remediationId: "r1",
    repeats: 2,
    lastSeenAt: at("10:00"),
  };
  return {
    story: {
      ...{ remediation: REMEDIATION, plan: aPlan(), alerts: [row as RemediationStory["alerts"][number]], verdicts: [] },
      ...{ decisions: [], effects: [effect()], waits: [], escalations: [], audit: [] },
      ...story,
    },
    ...{ now: at("11:05"), owner: "sre", earlier: [], plots: [], problem: null },
    ...more,
  };
}

const section = (markdown: string, title: string): string =>
  (markdown.split(`\n## ${title}\n`)[1] ?? "").split("\n## ")[0] ?? "";

describe("a postmortem draft", () => {
  it("has each part, in the order in which people read it", () => {
    const markdown = postmortemOf(facts());
    expect([...markdown.matchAll(/^#+ (.*)$/gm)].map(([, text]) => text)).toEqual([
      "Postmortem draft: host/web-1, disk, escalated",
      ...["Impact", "Detection", "Timeline", "Actions", "What worked", "What did not", "Evidence", "Metrics"],
      "Open questions",
    ]);
    expect(section(markdown, "Impact")).toContain("61 min (2026-10-10T09:59:00.000Z to 2026-10-10T11:00:00.000Z)");
    expect(section(markdown, "Detection")).toContain(
      "SmartDiskFailing from alertmanager: began 2026-10-10T09:59:00.000Z, arrived 60 s later",
    );
    expect(section(markdown, "Actions")).toContain(
      "| one/drain | loadbalancer.drain | happened | 1 | 60 s | drained |",
    );
    expect(section(markdown, "Timeline")).toContain("alert SmartDiskFailing firing (came 3 times)");
  });

  it("does not call a message that a window keeps back, or one that waits to be sent, told or failed", () => {
    const kept = { remediationId: "r1", route: "page", summary: "look", at: at("11:00"), sentAt: null, error: null };
    const until = at("12:00");
    const audit = [
      entry("escalation", "10:50", { route: "page", summary: "look" }),
      entry("escalationHeld", "10:51", { until }),
    ];
    const markdown = postmortemOf(facts({ escalations: [{ ...kept, keptUntil: until }], audit }));
    expect(section(markdown, "Timeline")).toContain("people are to be told (page): look");
    expect(section(markdown, "Timeline")).toContain(`people are told at the end of the window: ${until}`);
    expect(section(markdown, "What did not")).toContain(`a page was kept back until ${until}, the end of a window`);
    expect(section(markdown, "What worked")).not.toContain("people were told");
  });

  it("asks what nobody has seen the end of, and what keeps coming back", () => {
    const effects = [effect({ state: "unknown" }), effect({ direction: "undo", state: "failed", step: "two" })];
    const earlier = [{ ...REMEDIATION, openedAt: at("01:00"), outcome: "healed" as const }];
    const markdown = postmortemOf(facts({ effects }, { earlier, problem: "77 http://rt/77" }));
    const asked = section(markdown, "Open questions");
    expect(asked).toContain("- [ ] What did loadbalancer.drain (one/drain) do? Nobody has seen it.");
    expect(asked).toContain("The undo of loadbalancer.drain failed");
    expect(asked).toContain("remediation 2 or later of this target, the last one healed");
    expect(asked).toContain("Problem ticket 77 http://rt/77");
    expect(asked).toContain("selfheal remediation review r1");
    expect(section(markdown, "What did not")).toContain("one/drain: loadbalancer.drain apply is unknown");
  });

  it("of what a person must look at does not say that nothing went wrong", () => {
    const remediation = { ...REMEDIATION, detail: "the new drive is not healthy" };
    const failed = section(postmortemOf(facts({ remediation })), "What did not");
    expect(failed.trim()).toBe("- escalated: the new drive is not healthy");
  });

  it("does not ask for a review that was given", () => {
    const audit = [entry("review", "12:00", { by: "ann", verdict: "good" })];
    expect(postmortemOf(facts({ audit }))).not.toContain("Was the automation right?");
  });

  it("is honest where nothing was done, collected or plotted", () => {
    const markdown = postmortemOf(facts({ effects: [], alerts: [], plan: null }));
    expect(section(markdown, "Actions")).toContain("Nothing was sent to change the world.");
    expect(section(markdown, "Evidence")).toContain("None was collected");
    expect(section(markdown, "Metrics")).toContain("No plot");
    expect(section(markdown, "Detection")).toContain("No alert is linked to it.");
  });

  it("is bounded, and what comes from outside ends no block and makes no heading", () => {
    const hostile = "```\n# head <script> | x";
    const audit = [
      entry("collected", "10:00", { collected: { disk: hostile.repeat(500) } }),
      ...Array.from({ length: 400 }, () => entry("progress", "10:01", { phase: "act", doing: hostile })),
    ];
    const plot: Plot = { title: hostile, query: hostile, from: 0, to: 1, read: { ok: false, reason: "no" } };
    const markdown = postmortemOf(
      facts({ audit, effects: [effect({ detail: hostile })] }, { plots: [plot], owner: hostile }),
    );
    expect(markdown.length).toBeLessThan(60_000);
    expect(markdown).toContain("… and 252 more");
    expect([...markdown.matchAll(/^# /gm)]).toHaveLength(1);
    expect([...markdown.matchAll(/^```/gm)]).toHaveLength(4);
    expect(markdown.replace(/```json[\s\S]*?\n```/, "").replace(/```text[\s\S]*?\n```/, "")).not.toMatch(
      /[^\\]<script>/,
    );
  });
});

describe("a plot", () => {
  const plot = (points: { at: number; value: number }[], to = 60_000): Plot => {
    return { title: "t", query: "q", from: 0, to, read: { ok: true, points } };
  };

  it("shows the highest value of each column, gaps as gaps, and where something happened", () => {
    const lines = plotLines(
      plot([
        { at: 0, value: 0 },
        { at: 1_000, value: 7 },
        { at: 1_500, value: 8 },
        { at: 59_999, value: 4 },
      ]),
      [
        { at: 1_000, sign: "a" },
        { at: 60_000, sign: "c" },
        { at: 90_000, sign: "x" },
      ],
    );
    expect(lines[0]).toBe(`▁█${"·".repeat(PLOT_COLUMNS - 3)}▅`);
    expect(lines[1]).toBe(` a${" ".repeat(PLOT_COLUMNS - 3)}c`);
    expect(lines[2]).toBe("0 to 8, 1970-01-01T00:00:00.000Z to 1970-01-01T00:01:00.000Z");
  });

  it("of a flat series is half high, and of none says so", () => {
    expect(plotLines(plot([{ at: 0, value: 3 }]), [])[0]).toMatch(/^▅·+$/);
    expect(plotLines(plot([]), [])).toEqual(["no plot: the series has no value in this time"]);
    expect(plotLines({ ...plot([]), read: { ok: false, reason: "Prometheus is away" } }, [])).toEqual([
      "no plot: Prometheus is away",
    ]);
  });
});

describe("the timeline", () => {
  it("is in the order of time and leaves out bookkeeping", () => {
    const audit = [
      entry("closed", "10:09", { outcome: "healed", detail: "d" }),
      entry("opened", "10:01"),
      entry("waitBegan", "10:02"),
      entry("newKind", "10:03"),
    ];
    expect(timelineOf({ alerts: [], audit }).map(({ what }) => what)).toEqual([
      "remediation opened",
      "newKind",
      "closed healed: d",
    ]);
  });
});
