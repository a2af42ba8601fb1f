/** The product's own adapters against the lab, over sockets and in the same process: they must not tell the difference. */
import type { Posting } from "../../src/ports/ports.ts";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { buildPorts } from "../../src/adapters/build.ts";
import { manualClock } from "../../src/lab/clock.ts";
import { inventoryOf, makeFleet } from "../../src/lab/fleet.ts";
import { avoidableErrors, violations } from "../../src/lab/invariants.ts";
import { type Lab, simulatedLab, startLab } from "../../src/lab/lab.ts";
import { LAB_TOKEN, type LabOptions } from "../../src/lab/types.ts";
import { AdapterError } from "../../src/ports/failure.ts";
import type { Outside, Ports } from "../../src/ports/ports.ts";
import { Secret } from "../../src/ports/secret.ts";
import { HOUR, MINUTE } from "./support.ts";

const started: Lab[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((dc) => dc.stop()));
});

type Way = "over sockets" | "in process";

async function build(way: Way): Promise<{ dc: Lab; ports: Ports }> {
  const hosts = makeFleet({ count: 10, seed: 7, failing: ["web-1"] });
  const options: LabOptions = { seed: 7, hosts, clock: manualClock() };
  const dc = way === "in process" ? simulatedLab(options) : await startLab(options);
  started.push(dc);
  const sockets: Outside = { fetch, connect: (to) => connect(to), clock: dc.outside.clock };
  const connections = {
    prometheus: { url: `${dc.url}/prometheus` },
    alertmanager: { url: `${dc.url}/alertmanager` },
    loadBalancer: { uses: "haproxy", address: `tcp://${dc.haproxy.host}:${dc.haproxy.port}` },
    tickets: { uses: "request-tracker", url: `${dc.url}/rt`, token: new Secret(LAB_TOKEN), queue: "datacenter" },
    provisioner: { uses: "ironic", url: `${dc.url}/ironic` },
    bmc: { uses: "redfish", url: dc.url },
    notify: { uses: "slack", url: new Secret(`${dc.url}/slack/hook`) },
  } as const;
  return { dc, ports: buildPorts(connections, way === "in process" ? dc.outside : sockets) };
}

const HEALED: Posting = {
  ...{ key: "k", route: "message", title: "healed", text: "web-1" },
  ...{ source: "web-1", severity: "info", standing: null },
};

const classOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof AdapterError ? error.failure : `not an AdapterError: ${String(error)}`;
};

describe.each<Way>(["over sockets", "in process"])("the adapters %s", (way) => {
  it("replace a disk from silence to ramp, and users see no error that could have been avoided", async () => {
    const { dc, ports } = await build(way);
    const query = 'smart_failing{host="web-1",device="/dev/sda"}';
    expect(await ports.metrics.scalar(query, 5 * MINUTE)).toEqual({ ok: true, value: 1, ageMs: 0 });
    const target = inventoryOf(dc)[0];
    const system = target?.attributes.bmc ?? "";
    const [disk] = await ports.bmc.drives(system);
    expect(disk).toMatchObject({ slot: "Bay 0", health: "critical", failurePredicted: true });

    const now = dc.outside.clock.now();
    const iso = (ms: number): string => new Date(now + ms).toISOString();
    const silence = {
      matchers: { host: "web-1" },
      startsAt: iso(0),
      endsAt: iso(30 * HOUR),
      key: "r/1/silence",
      comment: "disk",
    };
    await ports.silences.create(silence);
    expect(await ports.silences.findByKey("r/1/silence")).toMatchObject([{ state: "active" }]);

    await ports.loadBalancer.setAdmin("web", "web-1", "drain");
    dc.advance(5 * MINUTE);
    const server = async (): Promise<unknown> =>
      (await ports.loadBalancer.servers()).find((one) => one.server === "web-1");
    expect(await server()).toMatchObject({ admin: "drain", operational: "up", sessions: 0, weightPercent: 100 });

    const body = `Target: web-1\nSerial of the part: ${disk?.serial}\nSlot: ${disk?.slot}`;
    const { id } = await ports.tickets.open({ key: "r/1/dc", queue: "", subject: `Replace ${disk?.serial}`, body });
    await ports.tickets.comment(id, "r/1/note", "please");
    await ports.tickets.comment(id, "r/1/note", "please");
    expect(await ports.tickets.findByKey("r/1/dc")).toMatchObject([{ id, status: "open" }]);
    dc.advance(5 * HOUR);
    expect(await ports.tickets.getMany([id])).toMatchObject([{ status: "resolved" }]);
    expect(
      dc.world.tickets
        .get(Number(id))
        ?.transactions.filter(({ creator, type }) => creator === "selfheal" && type === "Comment"),
    ).toHaveLength(1);
    expect((await ports.bmc.drives(system))[0]?.serial).not.toBe(disk?.serial);

    await ports.provisioner.rebuild("web-1", "r/1/rebuild", target?.attributes.image ?? "");
    const node = await ports.provisioner.node("web-1");
    expect(node).toMatchObject({ state: "busy", noted: { key: "r/1/rebuild" } });
    expect(node?.changedAt).not.toBe(node?.noted?.changedAtBefore);
    dc.advance(HOUR);
    expect(await ports.provisioner.nodes(["web-1"])).toMatchObject([{ state: "active", error: null }]);
    expect(await ports.metrics.scalar(query, 5 * MINUTE)).toMatchObject({ ok: true, value: 0 });

    await ports.loadBalancer.setWeight("web", "web-1", 10);
    await ports.loadBalancer.setAdmin("web", "web-1", "ready");
    expect(await server()).toMatchObject({ admin: "ready", operational: "up", weightPercent: 10 });
    await ports.loadBalancer.setWeight("web", "web-1", 100);
    await ports.channels["notify"]?.post(HEALED, null);
    expect(dc.world.messages).toHaveLength(1);
    expect(avoidableErrors(dc.world)).toBe(0);
    expect(violations(dc.world, { maxDrained: 1 })).toEqual([]);
    expect(dc.world.log.flatMap(({ what, key }) => (key === undefined ? [] : [`${what} ${key}`]))).toEqual([
      ...["silence-created r/1/silence", "ticket-created r/1/dc", "ticket-open r/1/dc", "ticket-resolved r/1/dc"],
      ...["node-patched r/1/rebuild", "rebuild-started r/1/rebuild"],
    ]);
  });

  it("call a lost reply ambiguous, and find what it left behind by its key", async () => {
    const { dc, ports } = await build(way);
    dc.inject({ name: "reply-lost", count: 1, system: "rt" });
    expect(await classOf(ports.tickets.open({ key: "k", queue: "", subject: "x", body: "x" }))).toBe("ambiguous");
    expect(await ports.tickets.findByKey("k")).toHaveLength(1);
    dc.inject({ name: "reply-lost", count: 1, system: "haproxy" });
    expect(await classOf(ports.loadBalancer.setAdmin("web", "web-1", "drain"))).toBe("ambiguous");
    dc.inject({ name: "reply-lost", count: 1, system: "redfish" });
    expect(await classOf(ports.bmc.setPower(dc.world.host("web-1").systemId, "off"))).toBe("ambiguous");
  });

  it("call what was refused by its class", async () => {
    const { dc, ports } = await build(way);
    dc.inject({ name: "rate-limited", count: 1, system: "rt" });
    expect(await classOf(ports.tickets.get("1"))).toBe("transient");
    dc.inject({ name: "drain-refused" });
    expect(await classOf(ports.loadBalancer.setAdmin("web", "web-1", "drain"))).toBe("permanent");
    dc.inject({ name: "notifier-down" });
    expect(await classOf(ports.channels["notify"]?.post(HEALED, null) ?? Promise.resolve())).toBe("ambiguous");
    for (const name of ["probe-gone", "probe-stale", "probe-nan", "probe-double", "metrics-down"] as const) {
      dc.inject({ name });
      expect(await ports.metrics.scalar('smart_failing{host="web-1"}', 5 * MINUTE), name).toMatchObject({ ok: false });
      dc.clear(name);
    }
    expect(await ports.metrics.scalar('smart_failing{host="web-1"}', 5 * MINUTE)).toMatchObject({ ok: true });
  });
});
