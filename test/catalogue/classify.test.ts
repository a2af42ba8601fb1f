import { describe, expect, it } from "vitest";
import { classify, explainMatch, resultOf } from "../../src/catalogue/classify.ts";
import { matchesWhole } from "../../src/catalogue/match.ts";
import { alertOf, catalogueOf, edited, RUNBOOK } from "./support.ts";

const catalogue = catalogueOf();

describe("classify", () => {
  it("maps an alert to one runbook and one target, and says how", () => {
    expect(classify(catalogue, alertOf({ host: "WEB-1.example.net:9100" }))).toMatchObject({
      kind: "matched",
      runbook: { name: "disk" },
      target: { kind: "host", id: "web-1", owner: "web-team" },
      severity: "critical",
      detail: 'runbook disk; host="WEB-1.example.net:9100" is host web-1',
    });
  });

  it("three names of one machine have one join key", () => {
    const keys = ["web-1", "web-1.example.net", "10.0.0.1:9100"].map((host) => {
      const classified = classify(catalogue, alertOf({ host }));
      return classified.kind === "matched" ? classified.joinKey : classified.detail;
    });
    expect(new Set(keys).size).toBe(1);
  });

  it("another disk of the same host is another remedy", () => {
    const [a, b] = ["sda", "sdb"].map((device) => classify(catalogue, alertOf({ device })));
    expect(a).toMatchObject({ kind: "matched" });
    expect(a).not.toMatchObject({ joinKey: b?.kind === "matched" ? b.joinKey : "" });
  });

  it("the join key does not depend on times, annotations or labels that the probe does not use", () => {
    const one = classify(catalogue, alertOf());
    const other = classify(catalogue, {
      ...alertOf({ team: "x" }),
      annotations: {},
      startsAt: "2027-01-01T00:00:00.000Z",
    });
    expect(one).toMatchObject({ joinKey: other.kind === "matched" ? other.joinKey : "" });
  });

  it("no runbook: unmatched, with the target that the labels would name", () => {
    expect(classify(catalogue, alertOf({ alertname: "Other" }))).toMatchObject({
      kind: "unmatched",
      code: "NO_RUNBOOK",
      target: { id: "web-1" },
    });
    expect(classify(catalogue, alertOf({ alertname: "Other", host: "x" }))).toMatchObject({
      kind: "unmatched",
      target: null,
    });
  });

  it("two runbooks: a person, never a guess", () => {
    const two = edited("name: disk", "name: disk2").replace("alertname: DiskFailing", "device: sda");
    expect(classify(catalogueOf({ runbooks: [RUNBOOK, two] }), alertOf())).toMatchObject({
      kind: "noTarget",
      code: "AMBIGUOUS_RUNBOOK",
      detail: "the runbooks disk, disk2 all match",
    });
  });

  it.each([
    ["TARGET_EMPTY", { host: "" }],
    ["TARGET_UNKNOWN", { host: "web-77" }],
    ["TARGET_AMBIGUOUS", { instance: "10.0.0.2:9100" }],
  ])("%s", (code, labels) => {
    expect(classify(catalogue, alertOf(labels))).toMatchObject({ kind: "noTarget", code, runbook: "disk" });
  });

  it("a probe that would ask about nothing is refused before anything starts", () => {
    const alert = alertOf();
    delete alert.labels["device"];
    expect(classify(catalogue, alert)).toMatchObject({ kind: "noTarget", code: "FACTS_UNAVAILABLE" });
    expect(classify(catalogue, alertOf({ device: "" }))).toMatchObject({ kind: "noTarget", code: "FACTS_UNAVAILABLE" });
  });

  it("a label cannot leave its place in the probe's query", () => {
    const classified = classify(catalogue, alertOf({ device: 'x"} or vector(1) or up{a="' }));
    expect(classified).toMatchObject({ kind: "matched" });
    const query = classified.kind === "matched" ? classified.probe.with["query"] : "";
    expect(query).toBe('failing{host="web-1",device="x\\"} or vector(1) or up{a=\\""}');
  });

  it("explains of each runbook why it does not match", () => {
    expect(explainMatch(catalogue, alertOf({ alertname: "Other" }))).toEqual([
      { runbook: "disk", matches: false, why: 'alertname is "Other", not "DiskFailing"' },
    ]);
  });
});

describe("the result of an alert without a plan", () => {
  const [disk] = catalogue.runbooks;
  const two = { ...catalogue, runbooks: [disk, { ...disk, name: "other" }] } as typeof catalogue;

  it("keeps its own code, and what each runbook said to the labels", () => {
    const nothing = alertOf({ alertname: "Other" });
    expect(resultOf(catalogue, nothing, classify(catalogue, nothing) as never)).toMatchObject({
      outcome: "refuse",
      code: "NO_RUNBOOK",
      saw: {
        rules: [{ runbook: "disk", matches: false, why: 'alertname is "Other", not "DiskFailing"' }],
        notShown: 0,
      },
    });
    const classified = classify(two, alertOf());
    expect(resultOf(two, alertOf(), classified as never)).toMatchObject({
      code: "AMBIGUOUS_RUNBOOK",
      saw: { rules: [{ matches: true }, { matches: true }] },
    });
  });

  it("is bounded, however many runbooks there are; those that match come first", () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ ...catalogue.runbooks[0], name: `r${index}` }));
    const runbooks = many.map((one, index) => ({
      ...one,
      spec: { ...catalogue.runbooks[0]?.spec, match: [{ alertname: index < 38 ? "y".repeat(2_000) : "DiskFailing" }] },
    })) as never;
    const big = { ...catalogue, runbooks };
    const result = resultOf(big, alertOf(), classify(big, alertOf()) as never);
    expect(result.saw).toMatchObject({ notShown: 20 });
    expect((result.saw["rules"] as { runbook: string }[]).slice(0, 2)).toMatchObject([
      { runbook: "r38" },
      { runbook: "r39" },
    ]);
    expect(JSON.stringify(result).length).toBeLessThan(10_000);
  });
});

describe("matchesWhole", () => {
  it.each([
    ["DiskFailing", "Disk.*", true],
    ["xDiskFailing", "Disk.*", false],
    ["a", "a|b", true],
    ["ab", "a|b", false],
    ["a\nb", "a.b", true],
    ["", ".+", false],
    ["x", "(", false],
  ])("%s against %s: %s", (value, pattern, matches) => {
    expect(matchesWhole(value, pattern)).toBe(matches);
  });

  it("takes time in proportion to the text, whatever the pattern", () => {
    const startedAt = performance.now();
    expect(matchesWhole(`${"a".repeat(5_000)}!`, "(a+)+")).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
