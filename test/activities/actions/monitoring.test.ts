import { describe, expect, it } from "vitest";
import { ACTIONS } from "../../../src/activities/actions.ts";
import { act, applyTwice, world } from "./fakes.ts";

const HOUR_MS = 3_600_000;

describe("monitoring.silence", () => {
  it("silences exactly this target, once, and for so long", async () => {
    const w = world();
    const silence = act(w, "monitoring.silence", { for: 30 * HOUR_MS });
    await applyTwice(silence, w);
    expect(w.silences).toHaveLength(1);
    expect(w.silences[0]).toMatchObject({
      matchers: [{ name: "host", value: "web-1" }],
      startsAt: "2026-01-01T00:30:00.000Z",
      endsAt: "2026-01-02T06:30:00.000Z",
    });
    expect(await silence.observe()).toMatchObject({ state: "happened", result: { silenceId: "s0" } });
  });

  it("can be made narrower by further matchers, never wider than the target", async () => {
    const w = world();
    await act(w, "monitoring.silence", { for: 1, matchers: { alertname: "SmartDiskFailing", host: "web-2" } }).apply();
    const matchers = Object.fromEntries(w.silences[0]?.matchers.map((one) => [one.name, one.value]) ?? []);
    expect(matchers).toEqual({ alertname: "SmartDiskFailing", host: "web-1" });
    // In Alertmanager an empty value matches every alert that lacks the label.
    const wrong = ACTIONS["monitoring.silence"]?.input.safeParse({ for: 1, matchers: { host: "" } });
    expect(wrong?.success).toBe(false);
  });

  it("is ended by undo and by either finish, also twice, and only its own", async () => {
    for (const direction of ["undo", "finishHealthy", "finishOtherwise"] as const) {
      const w = world();
      const mine = act(w, "monitoring.silence", { for: HOUR_MS });
      await mine.apply();
      await act(w, "monitoring.silence", { for: HOUR_MS }, "other").apply();
      expect(await mine.observe(direction)).toMatchObject({ state: "notHappened" });
      await applyTwice(mine, w, direction);
      expect(await mine.observe(direction)).toMatchObject({ state: "happened" });
      expect(w.silences.map((one) => one.state)).toEqual(["expired", "active"]);
    }
  });
});
