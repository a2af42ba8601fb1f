import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import { check } from "../../src/catalogue/load.ts";
import { formatProblem } from "../../src/catalogue/problems.ts";
import { PROBE_KINDS } from "../../src/catalogue/probe-kinds.ts";
import { writableKeys } from "../../src/catalogue/check-input.ts";
import { readYaml } from "../../src/catalogue/yaml-source.ts";
import { REASONS } from "../../src/contracts/verdict.ts";

const TEXT = readFileSync("docs/runbook-reference.md", "utf8");
const blocks = [...TEXT.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
const blockOf = (kind: string): string => blocks.find((block) => block.includes(`kind: ${kind}`)) ?? "";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("docs/runbook-reference.md", () => {
  it("its files load together with the shipped runbook, its standing approval and rollout as lapsed ones", () => {
    const standing = blocks.find((block) => block.includes("standingApprovals:")) ?? "";
    const { catalogue, problems } = check(
      {
        config: readYaml(
          "selfheal.yaml",
          bytes(blockOf("Config") + standing + blocks.find((block) => block.includes("rollouts:"))),
        ),
        inventory: readYaml("inventory.yaml", bytes(blockOf("Inventory"))),
        runbooks: [readYaml("disk.yaml", readFileSync("runbooks/disk-replacement.yaml"))],
      },
      { actions: ACTIONS },
    );
    expect(problems.filter((problem) => problem.severity === "error").map(formatProblem)).toEqual([]);
    expect(problems.map((problem) => problem.path)).toEqual([
      "standingApprovals[0].runbookHash",
      "rollouts[0].runbookHash",
    ]);
    expect(catalogue).not.toBeNull();
  });

  it("names every reason code", () => {
    expect(Object.keys(REASONS).filter((code) => code !== "OK" && !TEXT.includes(`\`${code}\``))).toEqual([]);
  });

  it("names every kind of probe, what it takes and what it measures", () => {
    for (const [name, kind] of Object.entries(PROBE_KINDS)) {
      const row = TEXT.split("\n").find((line) => line.startsWith(`| \`${name}\``)) ?? "";
      for (const word of [...writableKeys(kind.input), ...kind.measured]) expect(row).toContain(`\`${word}\``);
    }
  });
});
