import fc from "fast-check";
import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { CannotMerge, mergeInventory, type MergeOptions } from "../../src/catalogue/inventory-merge.ts";
import type { FoundTarget } from "../../src/ports/inventory.ts";

const OPTIONS: MergeOptions = { kind: "host", groups: ["web"], fields: {}, labels: [], only: {}, domains: [] };
const found = (name: string, labels: Record<string, string> = {}, more: Partial<FoundTarget> = {}): FoundTarget => ({
  name,
  aliases: [],
  labels,
  groups: [],
  ...more,
});
const merge = (existing: string | null, all: FoundTarget[], change: Partial<MergeOptions> = {}) =>
  mergeInventory(existing, all, { ...OPTIONS, ...change });

const KEPT = `# ours
apiVersion: selfheal/v1
kind: Inventory
domains: [example.net]
targets:
  # the first of all
  - kind: host
    id: web-1
    aliases: [10.0.0.1]
    group: shop # not web
    rack: r1
    attributes: { pool: web }
  - { kind: host, id: old-1, group: web }
`;

describe("a new inventory", () => {
  it("has each machine once, whatever its ports, in one order", () => {
    const all = [found("web-2.example.net:9100"), found("web-1:9100"), found("WEB-1:8080"), found("10.0.0.3:9100")];
    const { text, added } = merge(null, all, { domains: ["example.net"] });
    expect(text).toBe(`apiVersion: selfheal/v1
kind: Inventory
domains: [ example.net ]
targets:
  - kind: host
    id: 10.0.0.3
    group: web
  - kind: host
    id: web-1
    group: web
  - kind: host
    id: web-2
    group: web
`);
    expect(added).toEqual(["10.0.0.3", "web-1", "web-2"]);
    expect(merge(null, [...all].reverse(), { domains: ["example.net"] }).text).toBe(text);
  });

  it("takes from labels only what is asked for", () => {
    const labels = { dc: "eu-1", team: "shop", password: "hunter2", env: "prod" };
    const options = { fields: { region: "dc", group: "team" } as const, labels: ["env"], groups: [] };
    const { text } = merge(null, [found("web-1", labels, { aliases: ["10.0.0.1"] })], options);
    expect(parse(text)).toMatchObject({
      targets: [
        { kind: "host", id: "web-1", aliases: ["10.0.0.1"], group: "shop", region: "eu-1", labels: { env: "prod" } },
      ],
    });
    expect(text).not.toContain("hunter2");
  });

  it("leaves out what has not the label that was asked for", () => {
    const all = [found("web-1", { job: "node" }), found("web-2", { job: "app" })];
    expect(merge(null, all, { only: { job: "node" } }).added).toEqual(["web-1"]);
  });

  it("takes the system's own group that is among those that were named", () => {
    const all = [found("web-1", {}, { groups: ["all", "web"] }), found("db-1", {}, { groups: ["all", "db"] })];
    const { text } = merge(null, all, { groups: ["web", "db"] });
    expect(parse(text)).toMatchObject({
      targets: [
        { id: "db-1", group: "db" },
        { id: "web-1", group: "web" },
      ],
    });
  });
});

describe("an inventory that people keep", () => {
  it("keeps all that stands there, comments too, fills in what is missing, and adds what is new at the end", () => {
    const all = [
      found("web-1:9100", { rack: "r7", dc: "eu-1" }, { aliases: ["10.0.0.1", "10.1.0.1"] }),
      found("web-9", { rack: "r9" }),
    ];
    const { text, added, filledIn, notFound } = merge(KEPT, all, { fields: { rack: "rack", region: "dc" } });
    expect({ added, filledIn, notFound }).toEqual({ added: ["web-9"], filledIn: ["web-1"], notFound: ["old-1"] });
    expect(text).toBe(`# ours
apiVersion: selfheal/v1
kind: Inventory
domains: [example.net]
targets:
  # the first of all
  - kind: host
    id: web-1
    aliases: [10.0.0.1, 10.1.0.1]
    group: shop # not web
    rack: r1
    attributes: { pool: web }
    region: eu-1
  - { kind: host, id: old-1, group: web }
  - kind: host
    id: web-9
    group: web
    rack: r9
`);
  });

  it("no line of it is changed but those that something is added to", () => {
    const odd = `apiVersion:   selfheal/v1
kind: Inventory   # odd
domains: [ example.net,
           example.org ]
targets:
- {kind: host, id: web-1, group: web, labels: {}, aliases: []}   # one line
- kind: host
  id:   "web-2"
  aliases:
    - 10.0.0.2   # its address

  group: web # the last

# the end
`;
    const labels = { rack: "r1", env: "prod" };
    const all = [
      found("web-1", labels, { aliases: ["10.0.0.1"] }),
      found("web-2", labels, { aliases: ["10.1.0.2"] }),
      found("new-3"),
    ];
    expect(merge(odd, all, { fields: { rack: "rack" }, labels: ["env"] }).text).toBe(
      odd
        .replace("labels: {}, aliases: []}", "labels: { env: prod}, aliases: [ 10.0.0.1], rack: r1}")
        .replace("# its address\n", "# its address\n    - 10.1.0.2\n")
        .replace(
          "# the last\n",
          "# the last\n  rack: r1\n  labels:\n    env: prod\n- kind: host\n  id: new-3\n  group: web\n",
        ),
    );
  });

  it("an empty list gets lines of its own", () => {
    const empty = "apiVersion: selfheal/v1\nkind: Inventory\ntargets: []\n";
    expect(parse(merge(empty, [found("web-1")]).text)).toMatchObject({ targets: [{ id: "web-1" }] });
  });

  it("stays as it is, to the letter, when nothing is new", () => {
    expect(merge(KEPT, [found("web-1"), found("10.0.0.1:9100")]).text).toBe(KEPT);
  });
});

describe("what does not fit is said, and nothing is merged", () => {
  it.each([
    ["no group", [found("web-5")], { groups: [] }, "web-5 is in no group: say --group NAME, or --field group=LABEL"],
    [
      "two values of one field",
      [found("web-1:1", { r: "r1" }), found("web-1:2", { r: "r2" })],
      { fields: { rack: "r" } as const },
      "web-1 has more than one rack (label r): r1, r2",
    ],
    ["a name that no target may have", [found("a b")], {}, "targets[2].id: this is not right"],
    [
      "a group that is no name",
      [found("x")],
      { groups: ["no good"] },
      'targets[2].group: this is not right (got "no good")',
    ],
    [
      "one machine there, two here",
      [found("web-1", {}, { aliases: ["old-1"] })],
      {},
      "is one machine there, but web-1 and old-1 of the inventory",
    ],
  ])("%s", (_what, all, change, expected) => {
    expect(() => merge(KEPT, all, change)).toThrow(expected);
  });

  it("an inventory that is broken already", () => {
    expect(() => merge("targets: [", [found("web-1")])).toThrow(CannotMerge);
  });
});

const names = fc.constantFrom("web-1", "web-2:9100", "WEB-2", "10.0.0.1:80", "10.0.0.2", "db-1.example.net", "db-1");
const anything = fc.array(
  fc.record({
    name: names,
    aliases: fc.array(fc.constantFrom("10.0.0.1", "10.0.0.2", "db-1"), { maxLength: 1 }),
    labels: fc.dictionary(fc.constantFrom("rack", "env"), fc.constantFrom("a", "b")),
    groups: fc.constant<string[]>([]),
  }),
  { maxLength: 6 },
);

describe("whatever is found", () => {
  it("a second import of the same changes nothing, and the order in which it comes does not matter", () => {
    const options = { labels: ["env"], fields: { rack: "rack" } as const, domains: ["example.net"] };
    const tried = (existing: string | null, all: FoundTarget[]): string | null => {
      try {
        return merge(existing, all, options).text;
      } catch (error) {
        expect(error).toBeInstanceOf(CannotMerge);
        return null;
      }
    };
    fc.assert(
      fc.property(anything, (all) => {
        for (const existing of [null, KEPT]) {
          const once = tried(existing, all);
          expect(tried(existing, [...all].reverse())).toBe(once);
          if (once !== null) expect(tried(once, all)).toBe(once);
        }
      }),
      { numRuns: 150 },
    );
  });
});
