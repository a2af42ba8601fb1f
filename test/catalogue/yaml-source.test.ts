import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readYaml } from "../../src/catalogue/yaml-source.ts";
import { formatProblem } from "../../src/catalogue/problems.ts";
import { CONFIG, INVENTORY, loadFrom, RUNBOOK } from "./support.ts";

const read = (text: string) => readYaml("f.yaml", new TextEncoder().encode(text));
const messages = (text: string): string[] => read(text).problems.map(formatProblem);

describe("what is no YAML is a located problem, never an exception", () => {
  it.each([
    ["a syntax error", "a: [1, 2\nb: 3", "f.yaml:2:1: "],
    ["a tab as indentation", "a:\n\tb: 1", "f.yaml:2:1: tabs are not allowed as indentation, spaces for indentation"],
    ["an empty file", "", "f.yaml:1:1: the file is empty"],
    ["a file of comments", "# nothing\n", "f.yaml:1:1: the file is empty"],
    ["two documents", "a: 1\n---\nb: 1", "f.yaml:2:1: source contains multiple documents, one document a file"],
    ["an unknown tag", "a: !include b.yaml", "f.yaml:1:4: unresolved tag: !include"],
    ["a number that is none", "a: .nan", "f.yaml:1:4 a: NaN cannot be used here"],
    ["a key that would change objects", "a: { __proto__: { x: 1 } }", "this cannot be a key"],
    ["an alias to itself", "a: &x { b: *x }", "nested more than 40 deep"],
    ["an alias without anchor", "a: *x", "f.yaml:1:4 a: the alias has no anchor before it"],
    ["nesting without end", "[".repeat(5_000), "f.yaml:1:"],
  ])("%s", (_what, text, expected) => {
    expect(messages(text).join("\n")).toContain(expected);
    expect(read(text).json).toBeNull();
  });

  it("a key that is there twice; what else the file says can be looked at", () => {
    expect(messages("a: 1\nb: 2\na: 3")).toEqual(["f.yaml:3:1: map keys must be unique, each key once"]);
    expect(read("a: 1\nb: 2\na: 3").json).toEqual({ a: 3, b: 2 });
    expect(read("a: 1\nb: .nan\na: 3").json).toBeNull();
  });

  it("nesting without end is one mistake", () => {
    expect(messages("[".repeat(5_000))).toEqual([
      expect.stringMatching(/^f\.yaml:1:\d+: it is nested too deeply, /) as string,
    ]);
  });

  it("an alias bomb", () => {
    const rows = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (const [one, other] of ["ba", "cb", "dc", "ed", "fe", "gf"]) {
      rows.push(`${one}: &${one} [${Array(9).fill(`*${other}`).join(",")}]`);
    }
    expect(messages(rows.join("\n")).join()).toContain("an alias bomb?");
  });

  it("a binary file", () => {
    expect(readYaml("f.yaml", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 0xff)).problems.map(formatProblem)).toEqual([
      "f.yaml:1:1: the file is not text, YAML in UTF-8",
    ]);
  });

  it("a huge file", () => {
    expect(readYaml("f.yaml", new Uint8Array(17 * 1024 * 1024)).problems[0]?.message).toContain("17825792 bytes");
  });

  it("anchors and aliases are fine where they are few", () => {
    expect(read("a: &x { b: 1 }\nc: *x").json).toEqual({ a: { b: 1 }, c: { b: 1 } });
  });
});

describe("places", () => {
  const source = read("one:\n  - two: 2\n    three: [4, 5]\nalias: &a { six: 6 }\nuse: *a\n");
  const at = (path: (string | number)[], which: "key" | "value"): string => {
    const { line, col } = source.problem(path, which, { message: "", wouldBeRight: "" });
    return `${line}:${col}`;
  };

  it.each([
    [["one", 0, "three", 1], "value", "3:16"],
    [["one", 0, "three"], "key", "3:5"],
    [["one", 0, "missing"], "key", "2:5"],
    [["use", "six"], "value", "4:18"],
    [[], "value", "1:1"],
  ] as const)("%j as %s is at %s", (path, which, place) => {
    expect(at([...path], which)).toBe(place);
  });
});

describe("fuzz", () => {
  const texts = fc.constantFrom(RUNBOOK, CONFIG, INVENTORY);
  const snippets = fc.constantFrom(
    "\t",
    "  ",
    "&a ",
    "*a",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "#",
    "'",
    '"',
    "|\n",
    "? ",
    "!!set ",
    "---\n",
    "null",
    "${{",
    "}}",
    "0x1",
    "\u2028",
    "__proto__: ",
    "<<: *a\n",
    "9".repeat(400),
  );
  const mutation = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(40),
    put: fc.oneof(snippets, fc.string({ unit: "binary", maxLength: 8 })),
  });

  it("a mutated file never crashes the loader: it gives a catalogue or located problems", () => {
    fc.assert(
      fc.property(texts, fc.array(mutation, { minLength: 1, maxLength: 4 }), (text, mutations) => {
        let changed = text;
        for (const { at, cut, put } of mutations) {
          const index = Math.floor(at * changed.length);
          changed = changed.slice(0, index) + put + changed.slice(index + cut);
        }
        const files =
          text === CONFIG ? { config: changed } : text === INVENTORY ? { inventory: changed } : { runbooks: [changed] };
        const { catalogue, problems } = loadFrom(files);
        expect(catalogue === null).toBe(problems.some((problem) => problem.severity === "error"));
        for (const problem of problems) {
          expect(problem.line).toBeGreaterThan(0);
          expect(problem.col).toBeGreaterThan(0);
          expect(problem.message).not.toBe("");
          expect(problem.wouldBeRight).not.toBe("");
        }
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  it("any bytes at all give JSON or located problems", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const source = readYaml("f.yaml", bytes);
        expect(source.json === null).toBe(source.problems.length > 0);
      }),
      { numRuns: 300 },
    );
  });
});
