import { describe, expect, it } from "vitest";
import type { CommandMessage } from "../../src/contracts/messages.ts";
import type { Command, RemediationView } from "../../src/contracts/remediation.ts";
import { freshView } from "../../src/workflows/episode.ts";
import { faultOfCommand, Takeover, type FreezePoint } from "../../src/workflows/takeover.ts";

const SINCE = "2026-11-21T10:00:00.000Z";
const POINT: FreezePoint = {
  at: "replace/dc",
  offers: ["skip", "markDone", "release", "end"],
  effect: null,
  fault: (command) => (command === "skip" ? "others need it" : null),
};

function viewOf(change: Partial<RemediationView> = {}): RemediationView {
  return { ...freshView({ kind: "host", id: "web-1" }), remediationId: "r-1", phase: "act", ...change };
}

function pending(command: Command, by: string) {
  return { command, by, via: "update" as const, cameAt: SINCE };
}

/** Held by ada, standing at `replace/dc`. */
function held(): Takeover {
  const takeover = new Takeover();
  takeover.holder = { by: "ada", since: SINCE, reason: "" };
  takeover.stands = POINT;
  return takeover;
}

const ADA: CommandMessage = { by: "ada" };

describe("a command", () => {
  it.each<[string, unknown, RegExp]>([
    ["nothing", null, /expected an object \{by\}/],
    ["no name", { by: " " }, /by: expected your name/],
    ["a long reason", { by: "ada", reason: "x".repeat(501) }, /at most 500 characters/],
    ["a place that is none", { by: "ada", at: 7 }, /at: expected where it stood/],
    ["a result that is none", { by: "ada", result: "42" }, /result: expected an object/],
    ["a list as result", { by: "ada", result: [] }, /result: expected an object/],
    [
      "a result without end",
      { by: "ada", result: { x: "x".repeat(5_000) } },
      /got 50\d\d characters of JSON; at most 4096/,
    ],
    ["another remediation", { by: "ada", remediationId: "r-0" }, /got r-0, but web-1 is in work by r-1/],
  ])("with %s is refused with what is wrong", (_, message, fault) => {
    expect(faultOfCommand(held(), viewOf(), "release", message as CommandMessage)).toMatch(fault);
    expect(faultOfCommand(held(), viewOf(), "take", message as CommandMessage)).toMatch(fault);
  });

  it("goes on when its holder gives it where it is offered", () => {
    for (const command of ["markDone", "release", "end"] as const) {
      expect(faultOfCommand(held(), viewOf(), command, ADA)).toBeNull();
      expect(faultOfCommand(held(), viewOf(), command, { ...ADA, at: "replace/dc", remediationId: "r-1" })).toBeNull();
    }
  });

  it("that is not offered is refused with those that are, and one that the point knows better with its words", () => {
    const offers = "nothing to retry at replace/dc in phase act; commands now: skip, mark-done, release, end";
    expect(faultOfCommand(held(), viewOf(), "retry", ADA)).toBe(offers);
    expect(faultOfCommand(held(), viewOf(), "skip", ADA)).toBe("others need it");
  });

  it("of somebody else is refused, but he may take it over", () => {
    const other = { by: "grace" };
    expect(faultOfCommand(held(), viewOf(), "release", other)).toBe(
      `web-1 is held by ada since ${SINCE}; take it over first`,
    );
    expect(faultOfCommand(held(), viewOf(), "take", other)).toBeNull();
    expect(faultOfCommand(held(), viewOf(), "take", ADA)).toBe(`ada holds web-1 already, since ${SINCE}`);
  });

  it("given twice goes on once, also when it moves already", () => {
    const takeover = held();
    takeover.push(pending("skip", "ada"));
    expect(faultOfCommand(takeover, viewOf(), "skip", ADA)).toBe(
      "web-1: skip by ada is being carried out; wait for it",
    );
    takeover.next();
    takeover.stands = null;
    expect(faultOfCommand(takeover, viewOf(), "markDone", ADA)).toMatch(/does not stand still now/);
    takeover.stands = { ...POINT, at: "replace/drain" };
    const late = { ...ADA, at: "replace/dc" };
    expect(faultOfCommand(takeover, viewOf(), "markDone", late)).toBe(
      "at: got replace/dc, but web-1 stands at replace/drain by now",
    );
  });

  it("before it stands says what it waits for", () => {
    const takeover = new Takeover();
    expect(faultOfCommand(takeover, viewOf(), "end", ADA)).toBe("web-1 is held by nobody; take it over first");
    takeover.push(pending("take", "ada"));
    expect(faultOfCommand(takeover, viewOf(), "end", ADA)).toMatch(/the take of ada holds after the current call/);
  });

  it("finds nothing to hold while it is opened, once its close has begun, and when it is closed", () => {
    expect(faultOfCommand(new Takeover(), viewOf({ phase: "open" }), "take", ADA)).toMatch(/only being opened/);
    const over = new Takeover();
    over.shut();
    expect(faultOfCommand(over, viewOf({ phase: "close", doing: "healed: fine" }), "take", ADA)).toBe(
      "web-1 is being closed (healed: fine): nothing is left to take over",
    );
    expect(faultOfCommand(new Takeover(), viewOf({ phase: "closed", outcome: "healed" }), "take", ADA)).toBe(
      "web-1 is closed already: healed",
    );
  });
});

describe("a takeover", () => {
  it("is claimed by a take and by its holder, and by nothing else", () => {
    const takeover = new Takeover();
    takeover.push(pending("release", "ada"));
    expect(takeover.claimed()).toBe(false);
    takeover.push(pending("take", "ada"));
    expect(takeover.claimed()).toBe(true);
    expect([takeover.next()?.command, takeover.next()?.command, takeover.next()]).toEqual(["release", "take", null]);
    expect(takeover.claimed()).toBe(false);
    takeover.holder = { by: "ada", since: SINCE, reason: "" };
    expect(takeover.claimed()).toBe(true);
  });

  it("keeps a bounded number of commands, of bounded length, and forgets all with the episode", () => {
    const takeover = new Takeover();
    for (let i = 0; i < 1_000; i++) {
      const message = { by: `${i}`, reason: "x".repeat(500) };
      if (faultOfCommand(takeover, viewOf(), "take", message) === null)
        takeover.push({ ...message, ...pending("take", `${i}`) });
    }
    expect(takeover.waiting()).toHaveLength(50);
    takeover.shut();
    takeover.clear();
    expect([takeover.claimed(), takeover.isShut(), takeover.stands]).toEqual([false, false, null]);
  });
});
