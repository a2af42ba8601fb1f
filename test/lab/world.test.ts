import { describe, expect, it } from "vitest";
import { manualClock, scaledClock } from "../../src/lab/clock.ts";
import { inventoryOf, makeFleet } from "../../src/lab/fleet.ts";
import {
  avoidableErrors,
  exposed,
  forgotten,
  maxDrainedAtOnce,
  rebuildsByHost,
  ticketsByKey,
  violations,
} from "../../src/lab/invariants.ts";
import { type Lab, simulatedLab, startLab } from "../../src/lab/lab.ts";
import { call, dig, HOUR, haproxy, lab, MINUTE, orderRebuild, orderSwap } from "./support.ts";

/** The whole story of a disk, by hand. */
async function replaceDisk(dc: Lab, host: string): Promise<void> {
  await haproxy(dc, `set server web/${host} state drain`);
  dc.advance(5 * MINUTE);
  await orderSwap(dc, host);
  dc.advance(5 * HOUR);
  await orderRebuild(dc, host);
  dc.advance(HOUR);
  await haproxy(dc, `set server web/${host} state ready`);
  dc.advance(MINUTE);
}

describe("a world", () => {
  it("is the same for the same seed, and another for another", async () => {
    const run = async (seed: number): Promise<string> => {
      const dc = await lab({ seed, failing: ["web-1"] });
      await replaceDisk(dc, "web-1");
      return JSON.stringify([dc.world.log, dc.world.traffic.errors(), dc.world.host("web-1")]);
    };
    expect(await run(1)).toBe(await run(1));
    expect(await run(1)).not.toBe(await run(2));
  });

  it("comes through a disk replacement without one error that could have been avoided", async () => {
    const dc = await lab({ failing: ["web-1"] });
    await replaceDisk(dc, "web-1");
    expect(avoidableErrors(dc.world)).toBe(0);
    expect(dc.world.failing()).toEqual([]);
    expect(violations(dc.world, { maxDrained: 1 })).toEqual([]);
    expect(ticketsByKey(dc.world)).toEqual({ "r/replace/web-1": 1 });
    expect(rebuildsByHost(dc.world)).toEqual({ "web-1": 1 });
    expect(dc.world.log.map(({ what }) => what)).toEqual([
      ...["drain", "ticket-created", "ticket-open", "not-serving", "disk-swapped", "ticket-resolved", "node-patched"],
      ...["rebuild-started", "rebuild-done", "serving", "ready"],
    ]);
  });

  it("sees doubles, rebuilds under traffic and too many drained at once", async () => {
    const dc = await lab();
    await orderSwap(dc, "web-1", "k");
    await orderSwap(dc, "web-1", "k");
    await orderRebuild(dc, "web-2", "k2");
    await haproxy(dc, "set server web/web-3 state drain;set server web/web-4 state drain");
    expect(violations(dc.world, { maxDrained: 1 })).toEqual([
      "2 tickets with the key k",
      "2 servers drained at once, allowed are 1",
      "web-2 was rebuilt while it took traffic, at 2027-01-04T08:00:00.000Z",
    ]);
    expect([maxDrainedAtOnce(dc.world, "web"), maxDrainedAtOnce(dc.world, "api")]).toEqual([2, 0]);
    expect(forgotten(dc.world)).toEqual(["web-3", "web-4"]);
    expect(exposed(dc.world)).toEqual(["web-2"]);
    dc.advance(10_000);
    expect(avoidableErrors(dc.world)).toBeGreaterThan(0);
  });

  it("tells a listener what happens, as it happens", async () => {
    const dc = await lab();
    const heard: string[] = [];
    const stop = dc.on(({ what, host }) => heard.push(`${what} ${host}`));
    await haproxy(dc, "set server web/web-1 state drain");
    stop();
    await haproxy(dc, "set server web/web-1 state ready");
    expect(heard).toEqual(["drain web-1"]);
  });
});

describe("the manual clock", () => {
  it("runs events in order, each at its own time, and jumps from one to the next", async () => {
    const clock = manualClock({ startAt: 1000 });
    const seen: [string, number][] = [];
    clock.after(20, () => seen.push(["b", clock.now()]));
    clock.after(10, () => clock.after(5, () => seen.push(["a", clock.now()])));
    const cancel = clock.after(15, () => seen.push(["never", clock.now()]));
    cancel();
    expect(clock.nextEventAt()).toBe(1010);
    clock.advanceTo(1100);
    expect(seen).toEqual([
      ["a", 1015],
      ["b", 1020],
    ]);
    expect([clock.now(), clock.nextEventAt()]).toEqual([1100, null]);
    expect(() => clock.advanceTo(1000)).toThrow("cannot go back");
  });

  it("lets a test walk through a world from event to event", async () => {
    const dc = await lab();
    await orderSwap(dc, "web-1");
    for (let at = dc.nextEventAt(); at !== null; at = dc.nextEventAt()) dc.advanceTo(at);
    expect(dc.world.tickets.get(1)?.status).toBe("resolved");
  });
});

describe("the scaled clock", () => {
  it("shortens hours to seconds while protocols carry the client's own time", async () => {
    const dc = await startLab({
      seed: 1,
      hosts: makeFleet({ count: 10, seed: 1, failing: ["web-1"] }),
      timeScale: 100_000,
    });
    try {
      await orderSwap(dc, "web-1");
      const resolved = new Promise<void>((resolve) => dc.on(({ what }) => what === "ticket-resolved" && resolve()));
      // Keeps the process awake: the lab's own timer does not.
      const awake = setInterval(() => {}, 1000);
      await resolved;
      clearInterval(awake);
      expect(dc.clock.now() - dc.world.startedAt).toBeGreaterThan(2 * HOUR);
      const [entry] = dc.world.log.slice(-1);
      expect(Math.abs(Date.parse(entry?.time ?? "") - Date.now())).toBeLessThan(HOUR / 2);
      const { body } = await call(
        `${dc.url}/prometheus/api/v1/query?query=${encodeURIComponent('timestamp(up{host="web-2"})')}`,
      );
      expect(Math.abs(Number(dig(body, "data", "result", 0, "value", 1)) * 1000 - Date.now())).toBeLessThan(HOUR / 2);
    } finally {
      await dc.stop();
    }
  });

  it("translates between lab and wall time, and cannot be advanced by hand", () => {
    let real = 1000;
    const clock = scaledClock({ timeScale: 600, realNow: () => real });
    real = 2000;
    expect(clock.now()).toBe(1000 + 600_000);
    expect([clock.wall(clock.now()), clock.lab(2000)]).toEqual([2000, 601_000]);
    let ran = 0;
    clock.after(600, () => ran++);
    real = 2001;
    clock.catchUp();
    expect(ran).toBe(1);
    expect(() => clock.advanceTo(0)).toThrow("cannot be advanced by hand");
    clock.stop();
  });
});

describe("a fleet", () => {
  it("has racks, roles and unique ids, serials and addresses; the same for the same seed", () => {
    const fleet = makeFleet({ count: 600, seed: 5, failing: 3 });
    expect(fleet).toEqual(makeFleet({ count: 600, seed: 5, failing: 3 }));
    for (const of of [
      fleet.map(({ id }) => id),
      fleet.map(({ address }) => address),
      fleet.flatMap(({ disks }) => disks.map(({ serial }) => serial)),
    ]) {
      expect(new Set(of).size).toBe(of.length);
    }
    expect(fleet.filter(({ disks }) => disks.some(({ failing }) => failing))).toHaveLength(3);
    expect(() => makeFleet({ count: 1, seed: 1, failing: ["nope"] })).toThrow('no host "nope"');
  });

  it("is exported as an inventory that the identity rules can read", async () => {
    const dc = await lab();
    const host = dc.world.host("web-1");
    expect(inventoryOf(dc)[0]).toEqual({
      ...{
        kind: "host",
        id: "web-1",
        aliases: [host.address, "web-1.lab.example.net"],
        owner: "webhosting-sre",
        group: "web",
        rack: "r01",
      },
      ...{ region: "eu-1", services: ["shop"], labels: { role: "web", env: "production" }, stateless: true },
      attributes: {
        ...{
          pool: "web",
          image: "http://images.lab.example.net/debian-12-web.qcow2",
          diskCount: 1,
          bmc: host.systemId,
          node: "web-1",
        },
        ...{
          address: host.address,
          fqdn: host.fqdn,
          healthUrl: `${dc.url}/hosts/web-1/health`,
          diskModel: host.disks[0]?.model,
        },
      },
    });
  });
});

describe("a lab without sockets", () => {
  it("is reached by fetch and connect of the same process, in its own time", async () => {
    const dc = simulatedLab({ seed: 1, hosts: makeFleet({ count: 10, seed: 1 }), clock: manualClock() });
    const { fetch, connect, clock } = dc.outside;
    expect(clock.now()).toBe(dc.clock.now());
    expect((await fetch(`${dc.url}/hosts/web-1/health`)).status).toBe(200);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(dc.haproxy);
      let text = "";
      socket.setEncoding("utf8");
      socket.on("connect", () => socket.write("set server web/web-1 state drain;get weight web/web-1\n"));
      socket.on("data", (chunk: string) => (text += chunk));
      socket.on("error", reject).on("end", () => resolve(text));
    });
    expect(answer).toBe("\n100 (initial 100)\n\n");
    dc.inject({ name: "reply-lost", system: "slack", count: 1 });
    await expect(fetch(`${dc.url}/slack/x`, { method: "POST", body: '{"text":"a"}' })).rejects.toThrow("fetch failed");
    expect(dc.world.messages).toHaveLength(1);
    dc.inject({ name: "slow", system: "hosts", count: 1, delayMs: HOUR });
    const late = fetch(`${dc.url}/hosts/web-1/health`);
    while (dc.nextEventAt() === null) await new Promise((resolve) => setImmediate(resolve));
    dc.advance(HOUR);
    expect((await late).status).toBe(200);
    dc.inject({ name: "timeout", system: "rt", on: "any" });
    await expect(fetch(`${dc.url}/rt/REST/2.0/rt`, { signal: AbortSignal.timeout(20) })).rejects.toThrow("timeout");
    await dc.stop();
  });
});

describe("starting", () => {
  it("refuses a clock together with a scale, and a port that is taken", async () => {
    await expect(startLab({ seed: 1, hosts: [], clock: manualClock(), timeScale: 2 })).rejects.toThrow("not both");
    const dc = await lab();
    await expect(startLab({ seed: 1, hosts: [], port: Number(new URL(dc.url).port) })).rejects.toThrow("EADDRINUSE");
  });

  it("lists its systems at the root", async () => {
    const dc = await lab();
    expect(dig((await call(`${dc.url}/`)).body, "systems")).toMatchObject({
      rt: "/rt",
      ironic: "/ironic",
      redfish: "/redfish",
    });
    expect((await call(`${dc.url}/nope`)).status).toBe(404);
  });
});
