import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapePromql, fill, hasTemplate } from "../../src/catalogue/template.ts";
import type { Json } from "../../src/contracts/json.ts";

const BINDINGS = {
  target: { id: "web-1", n: 2, list: ["a"], empty: "", blank: "  ", nothing: null, sly: "${{ steps.dc.url }}" },
};

describe("fill", () => {
  it.each([
    ["a whole value keeps its type", "${{ target.n }}", 2],
    ["a whole value may be a list", "${{ target.list }}", ["a"]],
    ["white space around a whole value does not matter", " ${{target.n}} ", 2],
    ["inside a text it becomes text", "host ${{ target.id }} has ${{ target.n }}", "host web-1 has 2"],
    ["nested values are filled in", { a: ["${{ target.id }}"] }, { a: ["web-1"] }],
    ["what is no template stays", "$(x) {{ y }}", "$(x) {{ y }}"],
  ] as [string, Json, Json][])("%s", (_what, value, filled) => {
    expect(fill(value, BINDINGS)).toEqual({ ok: true, value: filled });
  });

  it.each(["target.empty", "target.blank", "target.nothing", "target.missing", "missing", "1 +", "target.sly"])(
    "%s gives nothing usable, so it refuses: whole, inside a text, and nested",
    (expression) => {
      const template = `\${{ ${expression} }}`;
      for (const value of [template, `x-${template}`, { a: [template] }]) expect(fill(value, BINDINGS).ok).toBe(false);
    },
  );

  it("leaves references to steps for the workflow", () => {
    const value = { ticket: "${{ steps.dc.ticketId }}", text: "${{target.id}}: ${{ steps.dc.url }}" };
    const filled = { ticket: "${{ steps.dc.ticketId }}", text: "web-1: ${{ steps.dc.url }}" };
    expect(fill(value, BINDINGS, { keepSteps: true })).toEqual({ ok: true, value: filled });
    expect(fill(value, BINDINGS).ok).toBe(false);
  });

  it.each([
    ["a value ends what the text begins", "costs $${{ v }}", { v: "{{ steps.dc.url }}" }],
    ["two values stand side by side", "${{ v }}${{ w }}", { v: "$", w: "{{ steps.dc.url }}" }],
    ["it stays open", "costs $${{ v }}", { v: "{{ steps" }],
    ["beside one that is left", "${{ steps.dc.url }} $${{ v }}", { v: "{{ steps.dc.id }}" }],
  ])("makes no template of data and what stands beside it: %s", (_what, value, bindings) => {
    expect(fill(value, bindings, { keepSteps: true }).ok).toBe(false);
  });

  it("never gives an empty text or a template out of data, whatever the data", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, value) => {
        fc.pre(!before.includes("${{"));
        const filled = fill(`${before}\${{ v }}`, { v: value });
        if (filled.ok) {
          expect(filled.value).toBe(before.trim() === "" ? value : `${before}${value}`);
          expect(value.trim()).not.toBe("");
          expect(hasTemplate(value)).toBe(false);
        }
      }),
    );
  });
});

describe("escapePromql", () => {
  it("keeps a value inside its quotes, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const quoted = `"${escapePromql(value)}"`;
        expect(/^"(?:[^"\\\n]|\\["\\n])*"$/u.test(quoted)).toBe(true);
      }),
    );
  });
});
