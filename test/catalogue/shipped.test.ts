import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { Ajv2020 } from "ajv/dist/2020.js";
import { format } from "prettier";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ACTIONS } from "../../src/activities/actions.ts";
import { buildPorts } from "../../src/adapters/build.ts";
import { checkRunbookFiles } from "../../src/catalogue/load.ts";
import { PROBE_KINDS } from "../../src/catalogue/probe-kinds.ts";
import { jsonSchema, type Kind } from "../../src/catalogue/schema.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { CONFIG, edited, INVENTORY, RUNBOOK } from "./support.ts";

const SHIPPED = "runbooks/disk-replacement.yaml";
const SHIPPED_TEST = "runbooks/disk-replacement.test.yaml";

describe("the shipped runbook", () => {
  it("has no mistakes by the real actions", async () => {
    expect(await checkRunbookFiles([SHIPPED], ACTIONS)).toEqual([]);
  });

  it("tells editors where its schema is", () => {
    const modeline = (file: string) => readFileSync(file, "utf8").split("\n")[0];
    expect(modeline(SHIPPED)).toBe("# yaml-language-server: $schema=./runbook.schema.json");
    expect(modeline(SHIPPED_TEST)).toBe("# yaml-language-server: $schema=./runbook-test.schema.json");
  });
});

describe("the kinds of probe", () => {
  it("are those that the adapters build", () => {
    expect(Object.keys(PROBE_KINDS).sort()).toEqual(
      Object.keys(buildPorts({}, { fetch, connect, clock: Date }).probes).sort(),
    );
  });
});

describe("the JSON Schema", () => {
  const validator = (kind: Kind, actions = FAKE_ACTIONS) =>
    new Ajv2020({ strict: false, validateFormats: false }).compile(jsonSchema(kind, actions));

  it.each(["runbook", "runbook-test"] as const)(
    "of a %s beside the shipped runbooks is the one of this program (vitest -u writes it)",
    async (kind) => {
      const text = await format(JSON.stringify(jsonSchema(kind, ACTIONS)), { parser: "json", printWidth: 120 });
      await expect(text).toMatchFileSnapshot(`../../runbooks/${kind}.schema.json`);
    },
  );

  it.each([
    ["runbook", RUNBOOK],
    ["config", CONFIG],
    ["inventory", INVENTORY],
  ] as const)("of a %s takes what the loader takes", (kind, text) => {
    const valid = validator(kind);
    valid(parse(text));
    expect(valid.errors).toBeNull();
  });

  it.each([
    ["runbook", SHIPPED],
    ["runbook-test", SHIPPED_TEST],
  ] as const)("of a %s takes the shipped one", (kind, file) => {
    const valid = validator(kind, ACTIONS);
    valid(parse(readFileSync(file, "utf8")));
    expect(valid.errors).toBeNull();
  });

  it.each([
    ["an unknown fact", "collected:", "colected:"],
    ["an unknown reason", "reasons: [", "reasons: [NO_SUCH_REASON, "],
    ["a test without alerts", "alerts:", "allerts:"],
  ])("finds %s in a runbook test", (_what, from, to) => {
    const text = readFileSync(SHIPPED_TEST, "utf8");
    expect(text).toContain(from);
    expect(validator("runbook-test")(parse(text.replace(from, to)))).toBe(false);
  });

  it.each([
    ["an unknown key", "require:", "requires:"],
    ["an unknown action", "uses: desk.wait", "uses: desk.wiat"],
    ["an unknown input", "with: { for: 48h }", "with: { fro: 48h }"],
    ["a number for a duration", "for: 48h", "for: 48"],
    ["a wrong type", 'with: { pool: "${{ target.pool }}" }', "with: { pool: 7 }"],
    ["a wrong choice", "restore: ramp", "restore: slowly"],
  ])("finds %s", (_what, from, to) => {
    expect(validator("runbook")(parse(edited(from, to)))).toBe(false);
  });

  it("wants references where the connections want secrets", () => {
    expect(validator("config")(parse(edited("env:RT_TOKEN", "hunter2", CONFIG)))).toBe(false);
  });
});
