import { describe, expect, it } from "vitest";
import type { Lab } from "../../src/lab/lab.ts";
import { FAULT_NAMES, FAULTS, type FaultName } from "../../src/lab/faults.ts";
import { call, dig, HOUR, haproxy, ironic, lab, MINUTE, orderRebuild, orderSwap, query, rt, stat } from "./support.ts";

/** A client that gives up as soon as the fault has struck: no test waits for a time-out. */
function impatient(dc: Lab): { signal: AbortSignal } {
  const controller = new AbortController();
  dc.on(({ what }) => what === "fault" && setImmediate(() => controller.abort()));
  return { signal: controller.signal };
}

const ticket = { method: "POST", json: { Queue: "datacenter", Subject: "disk of web-1", Content: "" } };

describe("faults of the way", () => {
  it("reply-lost: the ticket is there, the answer is not", async () => {
    const dc = await lab();
    dc.inject({ name: "reply-lost", system: "rt", count: 1 });
    await expect(rt(dc, "/ticket", ticket)).rejects.toThrow("fetch failed");
    expect(dc.world.tickets.all()).toHaveLength(1);
    expect((await rt(dc, "/ticket", ticket)).status).toBe(201);
  });

  it("timeout: hangs without effect", async () => {
    const dc = await lab();
    dc.inject({ name: "timeout", system: "rt", count: 1 });
    await expect(rt(dc, "/ticket", { ...ticket, ...impatient(dc) })).rejects.toThrow("aborted");
    dc.advance(HOUR);
    expect(dc.world.tickets.all()).toHaveLength(0);
  });

  it("timeout with lateMs: has its effect when nobody waits for it any more", async () => {
    const dc = await lab();
    dc.inject({ name: "timeout", system: "rt", count: 1, lateMs: 90_000 });
    await expect(rt(dc, "/ticket", { ...ticket, ...impatient(dc) })).rejects.toThrow("aborted");
    expect(dc.world.tickets.all()).toHaveLength(0);
    dc.advance(90_000);
    expect(dc.world.tickets.all()).toHaveLength(1);
  });

  it("timeout-after-effect: hangs, and the rebuild runs", async () => {
    const dc = await lab();
    dc.inject({ name: "timeout-after-effect", system: "ironic", host: "web-1" });
    const json = [{ op: "add", path: "/instance_info/image_source", value: "x" }];
    await expect(ironic(dc, "/v1/nodes/web-1", { method: "PATCH", json, ...impatient(dc) })).rejects.toThrow("aborted");
    expect(dig((await ironic(dc, "/v1/nodes/web-1")).body, "instance_info")).toEqual({ image_source: "x" });
    expect(await orderRebuild(dc, "web-2")).toBe(202);
  });

  it("error-burst and rate-limited: refuse so many calls, and nothing happens", async () => {
    const dc = await lab();
    dc.inject({ name: "error-burst", system: "rt", count: 2 });
    dc.inject({ name: "rate-limited", system: "rt", count: 1, retryAfterS: 7 });
    const answers = [
      await rt(dc, "/rt"),
      await rt(dc, "/ticket", ticket),
      await rt(dc, "/ticket", ticket),
      await rt(dc, "/ticket", ticket),
    ];
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 429, 201]);
    expect(answers[2]?.headers.get("retry-after")).toBe("7");
    expect(dc.world.tickets.all()).toHaveLength(1);
  });

  it("slow: the answer comes late", async () => {
    const dc = await lab();
    dc.inject({ name: "slow", system: "hosts", count: 1, delayMs: 60 });
    const before = performance.now();
    expect((await call(`${dc.url}/hosts/web-1/health`)).status).toBe(200);
    expect(performance.now() - before).toBeGreaterThanOrEqual(55);
  });

  it("strikes HAProxy's socket too", async () => {
    const dc = await lab();
    dc.inject({ name: "reply-lost", system: "haproxy", host: "web-1" });
    await expect(haproxy(dc, "set server web/web-1 state drain")).rejects.toThrow();
    expect((await stat(dc))["web/web-1"]?.["status"]).toBe("DRAIN");
    dc.inject({ name: "error-burst", system: "haproxy", count: 1 });
    await expect(haproxy(dc, "show stat")).rejects.toThrow("closed without an answer");
  });

  it("strikes only the host and system it aims at", async () => {
    const dc = await lab();
    dc.inject({ name: "reply-lost", host: "web-2" });
    expect((await rt(dc, "/ticket", ticket)).status).toBe(201);
    await expect(orderSwap(dc, "web-2")).rejects.toThrow("fetch failed");
    await expect(orderRebuild(dc, "web-2")).rejects.toThrow("fetch failed");
    expect((await ironic(dc, "/v1/nodes/web-2")).status).toBe(200);
  });
});

describe("faults of the load balancer and the world", () => {
  it("drain-refused and undo-refused: HAProxy says no and the state stays", async () => {
    const dc = await lab();
    dc.inject({ name: "drain-refused", host: "web-1", count: 1 });
    dc.inject({ name: "undo-refused", host: "web-1" });
    expect(await haproxy(dc, "set server web/web-1 state drain")).toBe("Permission denied\n\n");
    expect((await stat(dc))["web/web-1"]?.["status"]).toBe("UP");
    expect(await haproxy(dc, "set server web/web-1 state drain")).toBe("\n");
    expect(await haproxy(dc, "set server web/web-1 state ready")).toBe("Permission denied\n\n");
    expect((await stat(dc))["web/web-1"]?.["status"]).toBe("DRAIN");
  });

  it("harm: availability drops while something is drained, and users see it", async () => {
    const dc = await lab();
    const availability = async (): Promise<number> =>
      Number((await query(dc, 'pool_availability_ratio{pool="web"}'))[0]?.value[1]);
    dc.inject({ name: "harm" });
    expect(await availability()).toBe(1);
    await haproxy(dc, "set server web/web-1 state drain");
    expect(await availability()).toBe(0.5);
    dc.advance(10_000);
    await haproxy(dc, "set server web/web-1 state ready");
    dc.advance(10_000);
    expect(dc.world.traffic.errors().harm).toBe(600);
    expect(await availability()).toBe(1);
  });

  it("self-heal: the disk gets well by itself at its time", async () => {
    const dc = await lab({ failing: ["web-1"], faults: [{ name: "self-heal", host: "web-1", afterMs: 10 * MINUTE }] });
    expect(await query(dc, "smart_failing == 1")).toHaveLength(1);
    dc.advance(10 * MINUTE);
    expect(await query(dc, "smart_failing == 1")).toHaveLength(0);
  });

  it("notifier-down: the chat answers 500 and keeps nothing", async () => {
    const dc = await lab();
    dc.inject({ name: "notifier-down", count: 1 });
    const send = (): ReturnType<typeof call> =>
      call(`${dc.url}/slack/services/T0/B0/x`, { method: "POST", json: { text: "hello" } });
    expect((await send()).status).toBe(500);
    expect(await send()).toMatchObject({ status: 200, body: "ok" });
    expect(dc.world.messages).toMatchObject([{ text: "hello", path: "/services/T0/B0/x" }]);
    expect(await call(`${dc.url}/slack/services/T0/B0/x`, { method: "POST", json: {} })).toMatchObject({
      status: 400,
      body: "no_text",
    });
    expect(await call(`${dc.url}/slack/services/T0/B0/x`, { method: "POST", body: "nonsense" })).toMatchObject({
      status: 400,
      body: "invalid_payload",
    });
  });
});

describe("the list of faults", () => {
  it("has a line for each, refuses an unknown name and an unknown host", async () => {
    expect(FAULT_NAMES).toHaveLength(21);
    for (const name of FAULT_NAMES) expect(FAULTS[name]).toMatch(/^\S.{10,}[^.]$/);
    const dc = await lab();
    expect(() => dc.inject({ name: "nope" as FaultName })).toThrow('unknown fault "nope"; there are: reply-lost');
    expect(() => dc.inject({ name: "harm", host: "nope" })).toThrow('the lab has no host "nope"');
  });

  it("is counted, armed later, ended by time, and cleared by id", async () => {
    const dc = await lab();
    const health = async (): Promise<number> => (await call(`${dc.url}/hosts/web-1/health`)).status;
    const fault = dc.inject({ name: "error-burst", system: "hosts", afterMs: MINUTE, forMs: MINUTE });
    expect(await health()).toBe(200);
    dc.advance(MINUTE);
    expect(await health()).toBe(503);
    dc.advance(MINUTE);
    expect(await health()).toBe(200);
    expect(dc.world.faults.list()).not.toContain(fault);
    const lasting = dc.inject({ name: "error-burst", system: "hosts" });
    expect(await health()).toBe(503);
    dc.clear(lasting.id);
    expect(await health()).toBe(200);
  });

  it("strikes by chance from the seed: the same calls each time", async () => {
    const run = async (): Promise<number[]> => {
      const dc = await lab({ seed: 3, faults: [{ name: "error-burst", system: "hosts", probability: 0.5 }] });
      const statuses: number[] = [];
      for (let i = 0; i < 20; i++) statuses.push((await call(`${dc.url}/hosts/web-1/health`)).status);
      return statuses;
    };
    const [one, two] = [await run(), await run()];
    expect(one).toEqual(two);
    expect(new Set(one)).toEqual(new Set([200, 503]));
  });
});
