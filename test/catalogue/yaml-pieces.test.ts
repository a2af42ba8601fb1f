/** A file that is read in pieces says what it says as a whole, or is read as a whole. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { piecesOf } from "../../src/catalogue/yaml-pieces.ts";
import { readYaml } from "../../src/catalogue/yaml-source.ts";

const SMALL = { large: 0, items: 2 };

/** null: it is left in one piece. */
function joined(text: string): unknown {
  const pieces = piecesOf(text, "targets", SMALL);
  if (pieces === null) return null;
  const items = pieces.lists.flatMap((list) => parse(list) as unknown[]);
  return { ...(parse(pieces.rest) as object), targets: items };
}

describe("a list of items", () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("- x", "targets:", "a: b", "# no", "&x", "line\nline\n", "'", "  - y\n"),
  );
  const item = fc.record({
    id: text,
    labels: fc.dictionary(text, text, { maxKeys: 2 }),
    list: fc.array(text, { maxLength: 3 }),
  });
  const file = fc.record({
    kind: text,
    targets: fc.array(item, { minLength: 1, maxLength: 9 }),
    racks: fc.dictionary(text, text),
  });

  it("means in pieces what it means as a whole, however it is written", () => {
    let inPieces = 0;
    fc.assert(
      fc.property(
        file,
        fc.constantFrom("BLOCK_LITERAL", "BLOCK_FOLDED", "QUOTE_DOUBLE", "PLAIN"),
        fc.boolean(),
        (value, type, indentSeq) => {
          const written = stringify(value, {
            defaultStringType: type,
            indentSeq,
            lineWidth: 20,
            aliasDuplicateObjects: false,
          });
          const result = joined(written);
          if (result === null) return;
          inPieces += 1;
          expect(result).toEqual(parse(written));
        },
      ),
      { numRuns: 500 },
    );
    // About 115 of them, by chance: the others have what no piece may have.
    expect(inPieces).toBeGreaterThan(50);
  });

  it.each([
    [
      "comments and empty lines",
      "targets: # all\n  # one\n  - id: 1\n\n# two\n  - id: 2\n  - id: 3\n# end\nracks: {}\n",
    ],
    ["items at the margin", "targets:\n- id: 1\n- id: 2\n- id: 3\nracks: {}\n"],
    [
      "a text of lines at the end of a piece",
      "targets:\n  - id: 1\n  - note: |\n      a\n      b\n  - id: 3\nracks: {}\n",
    ],
    ["one that keeps its empty lines", "targets:\n  - id: 1\n  - note: |+\n      a\n\n  - id: 3\n"],
    ["one at the end of the file without a line's end", "targets:\n  - id: 1\n  - note: |\n      a"],
    ["flow over several lines", "targets:\n  - {\n      id: 1,\n    }\n  - [1,\n     2]\n  - id: 3\n"],
    ["Windows' line ends", "targets:\r\n  - id: 1\r\n  - id: 2\r\n  - id: 3\r\nracks: {}\r\n"],
  ])("is taken apart with %s", (_what, written) => {
    expect(joined(written)).toEqual(parse(written));
  });

  it.each([
    ["an anchor", "targets:\n  - &a { id: 1 }\n  - *a\n"],
    ["a tag", "targets:\n  - !!map { id: 1 }\n"],
    ["another document", "targets:\n  - id: 1\n---\na: 1\n"],
    ["an item whose mapping begins on the next line", "targets:\n  -\n    id: 1\n"],
    ["less indentation than its list", "targets:\n    - id: 1\n  - id: 2\n"],
    ["flow around it", "{ a: 1, targets:\n  - id: 1\n}\n"],
    ["a list in one line", "targets: [{ id: 1 }]\n"],
    ["no list", "racks: {}\n"],
  ])("is left in one piece with %s", (_what, written) => {
    expect(piecesOf(written, "targets", SMALL)).toBeNull();
  });
});

describe("a large inventory", () => {
  const large = (change: (line: string, index: number) => string): string =>
    [
      "kind: Inventory",
      "targets:",
      ...Array.from({ length: 4_000 }, (_, index) => change(`  - { kind: host, id: web-${index} }`, index)),
    ].join("\n");
  const read = (text: string) => readYaml("inventory.yaml", new TextEncoder().encode(text));

  it("is what it is as a whole", () => {
    const text = large((line) => line);
    const { json, problems } = read(text);
    expect(problems).toEqual([]);
    expect(json).toEqual(parse(text));
  });

  it("names a mistake in the midst of it at its place in the file", () => {
    const { problems } = read(large((line, index) => (index === 3_000 ? line.replace("kind:", "id: x, kind:") : line)));
    expect(problems).toMatchObject([{ line: 3_003, message: "map keys must be unique" }]);
  });

  it("is as deep as it may be", () => {
    const deep = (levels: number): string =>
      large((line, index) => (index === 7 ? `  - { a: ${"[".repeat(levels)}${"]".repeat(levels)} }` : line));
    const deepest =
      Array.from({ length: 60 }, (_, levels) => levels).findLast((levels) => read(deep(levels)).json !== null) ?? 0;
    const small = (levels: number): string => `targets:\n  - { a: ${"[".repeat(levels)}${"]".repeat(levels)} }\n`;
    expect(read(small(deepest)).problems).toEqual([]);
    expect(read(small(deepest + 1)).problems).not.toEqual([]);
  });
});
