import { describe, expect, it } from "vitest";
import { Desk } from "../../src/workflows/desk.ts";
import { faultOfDecision, faultOfPerson } from "../../src/workflows/person.ts";

describe("the desk", () => {
  it("gives a hint once, and keeps it until somebody asks", () => {
    const desk = new Desk();
    desk.hint({ about: "a" });
    desk.hint({ about: "a" });
    expect(desk.hasHint("a")).toBe(true);
    expect([desk.takeHint("a"), desk.takeHint("a"), desk.takeHint("b")]).toEqual([true, false, false]);
  });

  it("leaves out a hint that is none, and keeps a bounded number of them", () => {
    const desk = new Desk();
    for (const given of [null, undefined, 7, {}, { about: null }]) desk.hint(given);
    for (let i = 0; i < 2_000; i++) desk.hint({ about: `${i}` });
    expect([desk.hasHint("999"), desk.hasHint("1000")]).toEqual([true, false]);
  });

  it("keeps decisions in their order, and a bounded number of them", () => {
    const desk = new Desk();
    for (let i = 0; i < 1_000; i++) desk.decide("approve", { planHash: "p", by: `${i}` }, "signal");
    let kept = 0;
    for (let next = desk.takeDecision(); next !== null; next = desk.takeDecision()) expect(next.by).toBe(`${kept++}`);
    expect(kept).toBe(50);
  });

  it("keeps the first word of who stops, and forgets all with the episode", () => {
    const desk = new Desk();
    desk.cancel({ by: "ada", reason: "x".repeat(10_000) });
    desk.cancel({ by: "grace" });
    expect(desk.stop?.by).toBe("ada");
    expect(desk.stop?.because).toBe(`cancelled by ada: ${"x".repeat(500)}`);
    desk.decide("reject", { planHash: "p", by: "ada" }, "update");
    desk.hint({ about: "a" });
    desk.clear();
    expect([desk.stop, desk.hasDecision(), desk.hasHint("a")]).toEqual([null, false, false]);
  });
});

describe("the shape of what people send", () => {
  it.each([
    [null, /expected an object/],
    ["approve", /expected an object/],
    [{ by: "ada" }, /planHash/],
    [{ planHash: "p", by: "  " }, /by: expected your name/],
    [{ planHash: "p", by: "ada", reason: 7 }, /reason/],
    [{ planHash: "p", by: "ada", reason: "x".repeat(501) }, /at most 500/],
    [{ planHash: "p", by: "ada", token: 7 }, /token/],
    [{ planHash: "p\0", by: "ada" }, /planHash/],
    [{ planHash: "p", by: "ada\0" }, /by: expected your name/],
    [{ planHash: "p", by: "ada", reason: "\ud800" }, /reason/],
  ])("%j is refused with what is wrong", (message, fault) => {
    expect(faultOfDecision(message)).toMatch(fault);
  });

  it("takes what is right", () => {
    expect(faultOfDecision({ planHash: "p", by: "ada", reason: "ok" })).toBeNull();
    expect(faultOfPerson({ by: "ada" })).toBeNull();
    expect(faultOfPerson({})).toMatch(/by/);
    expect(faultOfPerson(7)).toMatch(/expected an object/);
    expect(faultOfPerson({ by: "ada", remediationId: 7 })).toMatch(/remediationId/);
  });
});
