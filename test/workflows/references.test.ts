import { describe, expect, it } from "vitest";
import { resolveReferences } from "../../src/workflows/references.ts";

const results = { dc: { ticketId: "42", tags: ["a"], nested: { url: "http://rt/42" } }, empty: { value: "" } };

describe("references to earlier steps", () => {
  it("keeps the type of a whole value and fills text", () => {
    expect(resolveReferences("${{ steps.dc.tags }}", results)).toEqual(["a"]);
    expect(resolveReferences({ text: ["see ${{ steps.dc.nested.url }}!"] }, results)).toEqual({
      text: ["see http://rt/42!"],
    });
  });

  it("leaves everything else as it is", () => {
    expect(resolveReferences({ n: 1, b: false, s: "${{ target.id }}", x: null }, results)).toEqual({
      n: 1,
      b: false,
      s: "${{ target.id }}",
      x: null,
    });
  });

  it("refuses a reference that leads to nothing: an effect never gets an empty value", () => {
    for (const text of [
      "${{ steps.dc.nope }}",
      "${{ steps.nope.ticketId }}",
      "${{ steps.empty.value }}",
      "${{ steps.dc.ticketId.deep }}",
    ]) {
      expect(() => resolveReferences(text, results)).toThrow(/has no value/);
    }
  });
});
