/** examples/first-remediation: a user's first folder must load, begin harmless, and agree with its own monitoring files. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ACTIONS } from "../../src/activities/actions.ts";
import { connectionsSchema } from "../../src/adapters/connections.ts";
import { classify } from "../../src/catalogue/classify.ts";
import { loadCatalogue, type Catalogue } from "../../src/catalogue/load.ts";
import { formatProblem } from "../../src/catalogue/problems.ts";
import { runbookCheck } from "../../src/cli/runbook-check.ts";
import { SOURCES } from "../../src/starters/sources/index.ts";

const FOLDER = "examples/first-remediation";
const read = (file: string): string => readFileSync(`${FOLDER}/${file}`, "utf8");

async function example(): Promise<Catalogue> {
  const { catalogue, problems } = await loadCatalogue(FOLDER, { actions: ACTIONS });
  expect(problems.map(formatProblem)).toEqual([]);
  if (catalogue === null) throw new Error("no catalogue");
  return catalogue;
}

describe("examples/first-remediation", () => {
  it("is accepted by selfheal runbook check, without a warning", async () => {
    let text = "";
    const write = (part: string): void => void (text += part);
    expect(await runbookCheck({ paths: [FOLDER], actions: ACTIONS, write })).toBe(0);
    expect(text).toContain(`${FOLDER}: no mistakes`);
  });

  it("only observes, and asks a person before it wipes a disk", async () => {
    const { mode, runbooks, standingApprovals, approvals, timeScale } = await example();
    expect({ mode, timeScale, standingApprovals }).toEqual({ mode: "observe", timeScale: 1, standingApprovals: [] });
    expect(approvals.unsigned).toBe("never");
    expect(runbooks.every(({ spec }) => spec.approval !== undefined)).toBe(true);
  });

  it("shows every connection that there is, each with a comment; what would refuse at once as a comment alone", async () => {
    const { connections, sources } = await example();
    const commented = { connections: ["channels", "leases"], sources: ["generic"] };
    const lines = read("selfheal.yaml").split("\n");
    for (const name of Object.values(commented).flat())
      expect(
        lines.some((line) => line.startsWith(`  # ${name}: {`)),
        name,
      ).toBe(true);
    const shown = (names: object, others: string[]): string[] => [...Object.keys(names), ...others].sort();
    expect(shown(connections, commented.connections)).toEqual(Object.keys(connectionsSchema.shape).sort());
    expect(shown(sources, commented.sources)).toEqual(SOURCES.map(({ name }) => name).sort());
    for (const name of Object.keys(connections)) {
      expect(lines[lines.indexOf(`  ${name}:`) - 1], name).toMatch(/^ {2}# /);
    }
  });

  it("its rule fires an alert that its runbook takes, for a host of its inventory", async () => {
    const rules = parse(read("monitoring/rules.yml")) as { groups: { rules: Record<string, string>[] }[] };
    const all = rules.groups.flatMap((group) => group.rules);
    const alertname = all.find((rule) => rule["alert"] !== undefined)?.["alert"] ?? "";
    const catalogue = await example();
    const at = "2026-11-21T10:00:00.000Z";
    const classified = classify(catalogue, {
      fingerprint: "f1",
      status: "firing",
      labels: { alertname, host: "web-1", instance: "10.0.0.11:9633", device: "sda" },
      annotations: {},
      startsAt: at,
      endsAt: null,
      source: "alertmanager",
      receivedAt: at,
    });
    expect(classified).toMatchObject({ kind: "matched", target: { kind: "host", id: "web-1" } });
    const query = catalogue.runbooks[0]?.spec.probe.with["query"] as string;
    expect(all.map((rule) => rule["record"])).toContain(query.slice(0, query.indexOf("{")));
  });

  it("its receiver sends to our webhook, what its route routes", () => {
    const text = read("monitoring/alertmanager.yml");
    expect(text).toContain("/v1/alerts/alertmanager");
    expect(text).toContain('alertname = "SmartDiskFailing"');
  });
});
