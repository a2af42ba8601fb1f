import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkExpression, evaluate, evaluateCondition, pathsIn } from "../../src/catalogue/expression.ts";

const TARGET = { target: { diskCount: 1, pool: "web", stateless: true, services: ["shop"], labels: { "a-b": "c" } } };

describe("evaluate", () => {
  it.each([
    ["target.diskCount == 1", true],
    ["target.diskCount >= 2", false],
    ["target.stateless && target.diskCount == 1", true],
    ["'shop' in target.services", true],
    ["target.labels['a-b']", "c"],
    ["has(target.missing)", false],
    ["target.pool.startsWith('we')", true],
    ["size(target.services)", 1],
    ["target.services", ["shop"]],
    ["{'a': [1, 2.5]}", { a: [1, 2.5] }],
    ["target.services.map(s, s + '!')", ["shop!"]],
  ])("%s", (text, value) => {
    expect(evaluate(text, TARGET)).toEqual({ ok: true, value });
  });

  it.each([
    ["a field that is not there", "target.missing == 1"],
    ["a root that is not there", "nothing"],
    ["a syntax error", "1 +"],
    ["types that do not fit", "target.pool + 1"],
    ["nesting without end", "(".repeat(20_000)],
    ["a number too large for JSON", "9223372036854775807"],
    ["a value that is not JSON", "timestamp('2020-01-01T00:00:00Z')"],
    ["something inherited", "target.constructor"],
    ["a division by zero", "1.0 / 0.0"],
  ])("%s is a reason, never an exception", (_what, text) => {
    expect(evaluate(text, TARGET)).toMatchObject({ ok: false });
  });

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        expect(typeof evaluate(text, TARGET).ok).toBe("boolean");
        checkExpression(text, ["target"]);
      }),
    );
  });

  it("whole numbers of ours equal CEL's", () => {
    fc.assert(
      fc.property(fc.integer(), (n) => {
        expect(evaluate(`n == ${n}`, { n })).toEqual({ ok: true, value: true });
      }),
      { numRuns: 50 },
    );
  });
});

describe("evaluateCondition", () => {
  it.each(["1", "'true'", "target.pool", "null"])("%s is no condition", (text) => {
    expect(evaluateCondition(text, TARGET)).toMatchObject({ ok: false });
  });
});

describe("checkExpression", () => {
  it("knows what is bound inside the expression", () => {
    expect(checkExpression("target.services.exists(s, s == target.pool)", ["target"])).toBeNull();
  });

  it("finds names that are only bound elsewhere", () => {
    expect(checkExpression("[1].exists(s, s == 1) && s == 1", ["target"])?.message).toBe("s is not known here");
  });
});

describe("pathsIn", () => {
  it("stops where a path is no longer plain, and does not demand what has() asks for", () => {
    expect(pathsIn("has(collected.disk) && collected.disk.serial == target.labels['a']")).toEqual([
      ["collected"],
      ["collected", "disk", "serial"],
      ["target", "labels"],
    ]);
  });
});
