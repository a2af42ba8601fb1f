import { describe, expect, it } from "vitest";
import type { Target } from "../../src/contracts/target.ts";
import { recurrencesOf, type ProblemLink } from "../../src/measures/recurrence.ts";
import { aPlan } from "../record/builders.ts";
import { aRow } from "./support.ts";

const fleet: Target[] = [...Array(40).keys()].map((index) => {
  const plan = aPlan({ target: `h-${index}`, rack: "r1" });
  return { ...plan.target, labels: { model: index < 10 ? "X" : "Y" } };
});
const SETTINGS = { target: 3, pattern: { targets: 4, times: 3 }, labels: ["model", "rack"], targets: fleet } as const;
const row = (index: number, id = `r-${index}`) =>
  aRow({ remediationId: id, target: { kind: "host", id: `h-${index}` } });
const patterns = (rows: ReturnType<typeof aRow>[], links: ProblemLink[] = [], settings = {}) =>
  recurrencesOf(rows, links, { ...SETTINGS, ...settings }).map(({ pattern }) => pattern);

describe("recurrence of one target", () => {
  const three = ["a", "b", "c"].map((id) => row(20, id));

  it("begins at the threshold", () => {
    expect(patterns(three)).toEqual(["target:host:h-20"]);
    expect(patterns(three.slice(1))).toEqual([]);
    expect(patterns(three, [], { target: "off" })).toEqual([]);
  });

  it("takes one more into an open problem, and starts from nothing after a closed one", () => {
    const link = (remediationId: string, open: boolean) => ({ pattern: "target:host:h-20", remediationId, open });
    const more = row(20, "d");
    const [open] = recurrencesOf([more], [link("a", true)], SETTINGS);
    expect(open?.remediationIds).toEqual(["d"]);
    const closed = ["a", "b", "c"].map((id) => link(id, false));
    expect(patterns([...three, more], closed)).toEqual([]);
    const again = [row(20, "e"), row(20, "f"), more];
    expect(recurrencesOf([...three, ...again], closed, SETTINGS)[0]?.remediationIds).toEqual(["e", "f", "d"]);
  });
});

describe("recurrence of a label's value", () => {
  it("needs enough different targets and a share that stands out", () => {
    const four = [0, 1, 2, 3].map((index) => row(index));
    const [found, ...others] = recurrencesOf([...four, row(20)], [], SETTINGS);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      pattern: "label:model=X",
      remediationIds: ["r-0", "r-1", "r-2", "r-3"],
      owner: "sre",
    });
    expect(found?.title).toBe("4 of 10 targets with model X need healing, 12 times the share of all others");
    expect(patterns(four.slice(1))).toEqual([]);
    // As many, but no more than everywhere.
    expect(patterns([...four, ...[10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21].map((index) => row(index))])).toEqual(
      [],
    );
    expect(patterns(four, [], { pattern: "off" })).toEqual([]);
  });

  it("is none where every target has the value, and says when only these have trouble", () => {
    const found = recurrencesOf(
      [0, 1, 2, 3].map((index) => row(index)),
      [],
      SETTINGS,
    );
    expect(found.map(({ pattern }) => pattern)).toEqual(["label:model=X"]);
    expect(found[0]?.title).toContain("no other target has any");
  });

  it("counts different targets among what is in no closed problem", () => {
    const rows = [0, 1, 2, 3].map((index) => row(index));
    const links = [{ pattern: "label:model=X", remediationId: "r-0", open: false }];
    expect(patterns(rows, links)).toEqual([]);
    expect(patterns([...rows, row(4)], links)).toEqual(["label:model=X"]);
  });
});
