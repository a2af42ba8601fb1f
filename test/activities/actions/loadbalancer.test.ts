import { describe, expect, it } from "vitest";
import { act, server, world } from "./fakes.ts";

describe("loadbalancer.drain", () => {
  it("drains, and is pending until the sessions are over", async () => {
    const w = world();
    w.servers[0] = server("web-1", { sessions: 3 });
    const drain = act(w, "loadbalancer.drain");
    expect(await drain.observe()).toMatchObject({ state: "notHappened" });
    await drain.apply();
    const wait = { system: "loadbalancer", ref: "web/web-1", seen: "busy" };
    expect(await drain.observe()).toMatchObject({ state: "pending", wait });
    w.servers[0] = server("web-1", { admin: "drain", sessions: 0 });
    expect(await drain.observe()).toMatchObject({ state: "happened", result: { pool: "web", server: "web-1" } });
  });

  it("counts as drained when the server is down too", async () => {
    const w = world();
    w.servers[0] = server("web-1", { admin: "drain", operational: "down" });
    expect(await act(w, "loadbalancer.drain").observe()).toMatchObject({ state: "happened" });
  });

  it("refuses to drain the last server of a pool that takes traffic", async () => {
    for (const other of [
      server("web-2", { admin: "drain" }),
      server("web-2", { admin: "maint" }),
      server("web-2", { operational: "down" }),
      server("web-2", { weightPercent: 0 }),
      server("web-2", { pool: "other" }),
    ]) {
      const w = world();
      w.servers[1] = other;
      await expect(act(w, "loadbalancer.drain").apply()).rejects.toMatchObject({ failure: "permanent" });
      expect(w.servers[0]?.admin).toBe("ready");
    }
  });

  it("may drain a server that takes no traffic anyway, even as the last", async () => {
    const w = world();
    w.servers = [server("web-1", { operational: "down" })];
    await act(w, "loadbalancer.drain").apply();
    expect(w.servers[0]?.admin).toBe("drain");
  });

  it("leaves a server alone that somebody has put into maintenance, on the way there and back", async () => {
    const w = world();
    w.servers[0] = server("web-1", { admin: "maint" });
    const drain = act(w, "loadbalancer.drain");
    await expect(drain.apply()).rejects.toMatchObject({ failure: "permanent" });
    await expect(drain.apply("undo")).rejects.toMatchObject({ failure: "permanent" });
    expect(await drain.observe("undo")).toMatchObject({ state: "failed" });
    expect(w.servers[0]?.admin).toBe("maint");
  });

  it("says permanent for an unknown server, and for a target without a pool", async () => {
    const w = world();
    await expect(act(w, "loadbalancer.drain", { server: "nope" }).apply()).rejects.toMatchObject({
      failure: "permanent",
    });
    expect(await act(w, "loadbalancer.drain", { server: "nope" }).observe()).toMatchObject({ state: "failed" });
  });

  it("undo gives all of the traffic back, also when done twice", async () => {
    const w = world();
    const drain = act(w, "loadbalancer.drain");
    await drain.apply();
    expect(await drain.observe("undo")).toMatchObject({ state: "notHappened" });
    await drain.apply("undo");
    await drain.apply("undo");
    expect(await drain.observe("undo")).toMatchObject({ state: "happened" });
    expect(w.servers[0]).toMatchObject({ admin: "ready", weightPercent: 100 });
  });

  it("undo leaves a target drained that an earlier remediation left out of service; healthy, it gets its traffic", async () => {
    const w = { ...world(), leftOut: true };
    const drain = act(w, "loadbalancer.drain");
    await drain.apply();
    await drain.apply("undo");
    expect(await drain.observe("undo")).toMatchObject({ state: "happened", result: { keptOut: true } });
    expect(w.servers[0]?.admin).toBe("drain");
    await drain.apply("finishHealthy");
    expect(await drain.observe("finishHealthy")).toMatchObject({ state: "happened" });
    expect(w.servers[0]?.admin).toBe("ready");
  });

  it("finishes healthy gradually: the weight first, and each level is told from the one before", async () => {
    const w = world();
    await act(w, "loadbalancer.drain").apply();
    for (const percent of [25, 50, 100]) {
      const level = act(w, "loadbalancer.drain", { percent });
      expect(await level.observe("finishHealthy")).toMatchObject({ state: "notHappened" });
      await level.apply("finishHealthy");
      expect(await level.observe("finishHealthy")).toMatchObject({ state: "happened" });
      expect(w.servers[0]).toMatchObject({ admin: "ready", weightPercent: percent });
    }
  });

  it("takes the balancer's rounding for what was asked, but never at the end", async () => {
    const w = world();
    w.servers[0] = server("web-1", { admin: "drain", weightStepPercent: 100 });
    const quarter = act(w, "loadbalancer.drain", { percent: 25 });
    await quarter.apply("finishHealthy");
    expect(await quarter.observe("finishHealthy")).toMatchObject({ state: "happened" });
    expect(await act(w, "loadbalancer.drain", { percent: 100 }).observe("finishHealthy")).toMatchObject({
      state: "notHappened",
    });
  });

  it("stays drained when the target is not healthy, and is drained again when its traffic was on its way back", async () => {
    const w = world();
    const drain = act(w, "loadbalancer.drain");
    expect(await drain.observe("finishOtherwise")).toMatchObject({ state: "notHappened" });
    await drain.apply("finishOtherwise");
    expect(await drain.observe("finishOtherwise")).toMatchObject({ state: "happened" });
  });
});

describe("loadbalancer.restore", () => {
  it("gives the target its traffic back", async () => {
    const w = world();
    w.servers[0] = server("web-1", { admin: "drain", weightPercent: 10 });
    const restore = act(w, "loadbalancer.restore");
    expect(await restore.observe()).toMatchObject({ state: "notHappened" });
    await restore.apply();
    expect(await restore.observe()).toMatchObject({ state: "happened" });
  });
});
