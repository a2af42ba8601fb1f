/** The dashboards and alert rules in deploy/ ask only for what there is, and each alert is tried. */
import { readFileSync, globSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { projectPath } from "../../src/config/project.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import { recordGauges } from "../../src/starters/record-metrics.ts";
import { measuresOf } from "../../src/measures/measures.ts";

const read = (file: string): string => readFileSync(projectPath(file), "utf8");
const { registry } = createStarterMetrics();
recordGauges(registry);
const KNOWN = await registry.getMetricsAsJSON();
const NAMES = KNOWN.flatMap(({ name, type }) =>
  String(type) === "histogram" ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
);
const MEASURES = measuresOf([], { unmatchedFaults: 0, coverage: null });

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
const RULES = (parse(read("deploy/prometheus/selfheal.rules.yml")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);
interface Dashboard {
  uid: string;
  panels: {
    id: number;
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    targets: { expr: string }[];
  }[];
}
const BOARDS = globSync("deploy/grafana/*.json", { cwd: projectPath() }).map((file) => {
  return { file, board: JSON.parse(read(file)) as Dashboard };
});
const expressions = [
  ...RULES.map(({ alert, expr }) => [alert, expr] as const),
  ...BOARDS.flatMap(({ file, board }) =>
    board.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`${file}: ${title}`, expr] as const)),
  ),
];

describe("deploy", () => {
  it.each(expressions)("%s asks for metrics and measures that there are", (_, expr) => {
    const named = expr.match(/selfheal_\w+/g) ?? [];
    expect(named.filter((name) => !NAMES.includes(name))).toEqual([]);
    const measures = [...expr.matchAll(/selfheal_measure_(\w+)\{measure="([^"]+)"/g)];
    for (const [, unit, id] of measures)
      expect(MEASURES.find((one) => one.id === id)?.unit.replace("share", "ratio")).toBe(unit);
    expect(measures).toHaveLength((expr.match(/measure="/g) ?? []).length);
  });

  it("every alert has a test that it fires, a severity, and words for people", () => {
    const tests = read("deploy/prometheus/selfheal.test.yml");
    for (const { alert, labels, annotations } of RULES) {
      expect(tests).toContain(`alertname="${alert}", alertstate="firing"`);
      expect(["page", "ticket", "none"]).toContain(labels["severity"]);
      expect(annotations["summary"]).toBeTruthy();
    }
  });

  it("docs/measures.md lists the measures that there are, in their order", () => {
    const listed = [...read("docs/measures.md").matchAll(/^\| `(M[\w.]+)` /gm)].map(([, id]) => id);
    expect(listed).toEqual(MEASURES.map(({ id }) => id));
  });

  it("every panel of a dashboard has a place of its own", () => {
    expect(BOARDS.map(({ board }) => board.uid).sort()).toEqual([
      "selfheal-debug",
      "selfheal-executive",
      "selfheal-on-call",
    ]);
    for (const { board } of BOARDS) {
      const cells = board.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
    }
  });
});
