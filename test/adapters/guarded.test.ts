import { describe, expect, it } from "vitest";
import { Guarded, type GuardOptions } from "../../src/adapters/guarded.ts";
import { AdapterError } from "../../src/ports/failure.ts";
import { failureOf } from "./support.ts";

/** A clock that stands still until it is told; timers fire when it passes them. */
function handClock() {
  let now = 0;
  const timers = new Set<{ at: number; fire: () => void }>();
  return {
    now: () => now,
    after(ms: number, fire: () => void) {
      const timer = { at: now + ms, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass(ms: number) {
      now += ms;
      for (const timer of [...timers]) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.fire();
      }
    },
    waiting: () => timers.size,
  };
}

const make = (options: Partial<GuardOptions> = {}) => {
  const clock = handClock();
  return { clock, guarded: new Guarded({ system: "vendor", clock, breakAfter: 3, breakMs: 1_000, ...options }) };
};
const outage = (): Promise<never> => Promise.reject(new Error("read ECONNRESET"));
const fine = (): Promise<string> => Promise.resolve("fine");
const never = (): Promise<never> => new Promise(() => undefined);

describe("the circuit breaker", () => {
  it("opens after so many outages in a row, says when to come back, and lets one call try then", async () => {
    const { clock, guarded } = make();
    for (let i = 0; i < 3; i += 1) await failureOf(guarded.run("read", "read", outage));
    let asked = 0;
    const open = await failureOf(guarded.run("write", "write", () => Promise.resolve((asked += 1))));
    expect(open).toMatchObject({ failure: "transient", retryAfterMs: 1_000 });
    expect(asked).toBe(0);

    clock.pass(1_000);
    const trial = guarded.run("read", "read", () => new Promise<string>((resolve) => setTimeout(resolve, 20, "back")));
    expect(await failureOf(guarded.run("read", "read", fine))).toMatchObject({ failure: "transient" });
    expect(await trial).toBe("back");
    expect(await guarded.run("read", "read", fine)).toBe("fine");
  });

  it("opens again at once when the trial fails", async () => {
    const { clock, guarded } = make();
    for (let i = 0; i < 3; i += 1) await failureOf(guarded.run("read", "read", outage));
    clock.pass(1_000);
    await failureOf(guarded.run("read", "read", outage));
    expect((await failureOf(guarded.run("read", "read", fine))).retryAfterMs).toBe(1_000);
  });

  it("does not stay open longer because the clock was set back", async () => {
    const { clock, guarded } = make();
    for (let i = 0; i < 3; i += 1) await failureOf(guarded.run("read", "read", outage));
    clock.pass(-3_600_000);
    expect((await failureOf(guarded.run("read", "read", fine))).retryAfterMs).toBe(1_000);
    clock.pass(1_000);
    expect(await guarded.run("read", "read", fine)).toBe("fine");
  });

  it("stays closed for refusals and for «later»: the system answers", async () => {
    const { guarded } = make();
    for (let i = 0; i < 5; i += 1) {
      const busy = new AdapterError("transient", { system: "v", operation: "o", retryAfterMs: 1 }, "429");
      const refused = new AdapterError("permanent", { system: "v", operation: "o" }, "400");
      await failureOf(guarded.run("read", "read", () => Promise.reject(i % 2 ? busy : refused)));
    }
    expect(await guarded.run("read", "read", fine)).toBe("fine");
  });

  it("counts outages in a row only", async () => {
    const { guarded } = make();
    for (let i = 0; i < 9; i += 1) {
      if (i % 3 === 2) await guarded.run("read", "read", fine);
      else await failureOf(guarded.run("read", "read", outage));
    }
    expect(await guarded.run("read", "read", fine)).toBe("fine");
  });
});

describe("the bulkhead", () => {
  it("refuses a write as transient when its places are taken: nothing left", async () => {
    const { clock, guarded } = make({ concurrent: 1, queued: 1, timeoutMs: 100 });
    const first = failureOf(guarded.run("write", "write", never));
    const second = failureOf(guarded.run("write", "write", never));
    expect(await failureOf(guarded.run("write", "write", fine))).toMatchObject({ failure: "transient" });
    clock.pass(100);
    expect((await second).failure).toBe("transient");
    expect((await first).failure).toBe("transient");
  });
});

describe("the time-out", () => {
  it("gives the place in the bulkhead back, even when the work goes on", async () => {
    const { clock, guarded } = make({ concurrent: 1, queued: 0, timeoutMs: 100, breakAfter: 9 });
    const stuck = failureOf(guarded.run("call", "read", never));
    clock.pass(100);
    await stuck;
    expect(await guarded.run("call", "read", fine)).toBe("fine");
  });

  it("is ambiguous for a write from the moment that it sends, transient before and for reads", async () => {
    const cases = [
      { kind: "write", sends: true, failure: "ambiguous" },
      { kind: "write", sends: false, failure: "transient" },
      { kind: "read", sends: true, failure: "transient" },
    ] as const;
    for (const { kind, sends, failure } of cases) {
      const { clock, guarded } = make({ timeoutMs: 100 });
      const call = failureOf(
        guarded.run("call", kind, ({ sending }) => {
          if (sends) sending();
          return never();
        }),
      );
      await Promise.resolve();
      clock.pass(100);
      expect((await call).failure).toBe(failure);
    }
  });

  it("aborts what it gave up on, and leaves no timer behind", async () => {
    const { clock, guarded } = make({ timeoutMs: 100 });
    let aborted: AbortSignal | null = null;
    const call = failureOf(
      guarded.run("call", "read", ({ signal }) => {
        aborted = signal;
        return never();
      }),
    );
    await Promise.resolve();
    clock.pass(100);
    await call;
    expect(aborted).toMatchObject({ aborted: true });
    await guarded.run("call", "read", fine);
    expect(clock.waiting()).toBe(0);
  });
});
