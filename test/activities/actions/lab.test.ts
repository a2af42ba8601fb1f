/** The actions through the real adapters against the lab: a whole disk replacement, and replies that are lost. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildPorts } from "../../../src/adapters/build.ts";
import type { JsonObject } from "../../../src/contracts/json.ts";
import type { Target } from "../../../src/contracts/target.ts";
import { manualClock } from "../../../src/lab/clock.ts";
import { makeFleet } from "../../../src/lab/fleet.ts";
import { simulatedLab, type Lab } from "../../../src/lab/lab.ts";
import { LAB_TOKEN } from "../../../src/lab/types.ts";
import type { Observation } from "../../../src/ports/action.ts";
import type { Ports } from "../../../src/ports/ports.ts";
import { Secret } from "../../../src/ports/secret.ts";
import { failureOf } from "../../adapters/support.ts";
import { act, target as fakeTarget } from "./fakes.ts";

const SEED = 11;
let lab: Lab;
let place: { ports: Ports; target: Target; now: string };
/** The next request of this method happens, and its reply is lost. */
let losing: string | null = null;

beforeEach(() => {
  lab = simulatedLab({
    seed: SEED,
    hosts: makeFleet({ count: 10, seed: SEED, failing: ["web-1"] }),
    clock: manualClock(),
  });
  const ports = buildPorts(
    {
      alertmanager: { url: `${lab.url}/alertmanager` },
      loadBalancer: { uses: "haproxy", address: `tcp://${lab.haproxy.host}:${lab.haproxy.port}` },
      tickets: { uses: "request-tracker", url: `${lab.url}/rt`, token: new Secret(LAB_TOKEN), queue: "datacenter" },
      provisioner: { uses: "ironic", url: `${lab.url}/ironic` },
      bmc: { uses: "redfish", url: lab.url },
    },
    { ...lab.outside, fetch: losingFetch },
  );
  const attributes = { pool: "web", image: "http://images/new", bmc: lab.world.host("web-1").systemId };
  const now = new Date(lab.clock.wall(lab.clock.now())).toISOString();
  place = { ports, target: { ...fakeTarget, attributes }, now };
  losing = null;
});
afterEach(() => lab.stop());

const losingFetch: typeof fetch = async (input, init) => {
  const response = await lab.outside.fetch(input, init);
  if (losing === null || init?.method !== losing) return response;
  losing = null;
  throw new TypeError("fetch failed", { cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }) });
};

const step = (name: string, input: JsonObject = {}) => act(place, name, input, name);
type Step = ReturnType<typeof step>;

/** Lets lab time pass until it is not pending any more. */
async function settled(one: Step): Promise<Observation> {
  for (let i = 0; i < 5_000; i += 1) {
    const seen = await one.observe();
    if (seen.state !== "pending") return seen;
    lab.advance(15_000);
  }
  throw new Error("it stays pending");
}

async function happens(one: Step): Promise<JsonObject> {
  await one.apply();
  const seen = await settled(one);
  expect(seen).toMatchObject({ state: "happened" });
  return seen.state === "happened" ? seen.result : {};
}

describe("a disk replacement in the lab", () => {
  it("goes from the report to a host that serves again", async () => {
    const disk = await happens(step("host.smartReport"));
    const drain = step("loadbalancer.drain");
    await happens(drain);
    const part = { serial: disk["serial"] ?? "", slot: disk["slot"] ?? "" };
    const ticket = await happens(step("ticket.open", part));
    const replaced = step("host.assertDiskReplaced", { oldSerial: part.serial, slot: part.slot });
    expect(await replaced.observe()).toMatchObject({ state: "failed" });
    await happens(step("ticket.awaitResolved", { ticket: ticket["ticketId"] ?? "" }));
    expect(await replaced.observe()).toMatchObject({ state: "happened" });
    await happens(step("provisioner.rebuild"));
    for (const percent of [25, 100]) {
      const level = act(place, "loadbalancer.drain", { percent }, "loadbalancer.drain");
      await level.apply("finishHealthy");
      expect(await level.observe("finishHealthy")).toMatchObject({ state: "happened" });
    }
  });

  it("sees that the technician swapped nothing, though the ticket says that it is done", async () => {
    lab.inject({ name: "wrong-disk", host: "web-1" });
    const disk = await happens(step("host.smartReport"));
    const part = { serial: disk["serial"] ?? "", slot: disk["slot"] ?? "" };
    const ticket = await happens(step("ticket.open", part));
    await happens(step("ticket.awaitResolved", { ticket: ticket["ticketId"] ?? "" }));
    const replaced = step("host.assertDiskReplaced", { oldSerial: part.serial, slot: part.slot });
    expect(await replaced.observe()).toMatchObject({ state: "failed" });
  });

  it("ends as failed when the installer fails", async () => {
    lab.inject({ name: "installer-fails", host: "web-1" });
    const rebuild = step("provisioner.rebuild");
    await rebuild.apply();
    expect(await settled(rebuild)).toMatchObject({ state: "failed" });
  });
});

describe("a lost reply", () => {
  const steps: [string, JsonObject][] = [
    ["monitoring.silence", { for: 3_600_000 }],
    ["loadbalancer.drain", {}],
    ["ticket.open", { serial: "X" }],
    ["host.powerOff", {}],
    ["provisioner.rebuild", {}],
  ];
  it.each(steps)(
    "of %s is ambiguous, is read back as done, and a second apply makes no second effect",
    async (name, input) => {
      const one = step(name, input);
      // HAProxy's connection is not HTTP: there the lab itself loses the reply.
      if (name === "loadbalancer.drain") lab.inject({ name: "reply-lost", system: "haproxy", count: 1 });
      else losing = name === "provisioner.rebuild" ? "PUT" : "POST";
      expect(await failureOf(one.apply())).toMatchObject({ failure: "ambiguous" });
      lab.advance(60_000);
      expect(["happened", "pending"]).toContain((await one.observe()).state);
      // A rebuild under way refuses another; all others find their effect and leave it at that.
      if (name === "provisioner.rebuild") expect(await failureOf(one.apply())).toMatchObject({ failure: "ambiguous" });
      else await one.apply();
      expect((await place.ports.tickets.findByKey("rem/rung/ticket.open")).length).toBeLessThanOrEqual(1);
      expect((await place.ports.silences.findByKey("rem/rung/monitoring.silence")).length).toBeLessThanOrEqual(1);
      expect(["happened", "pending"]).toContain((await one.observe()).state);
    },
  );

  it("of the note before a rebuild is transient: nothing was asked for yet", async () => {
    losing = "PATCH";
    const rebuild = step("provisioner.rebuild");
    expect(await failureOf(rebuild.apply())).toMatchObject({ failure: "transient" });
    expect(await rebuild.observe()).toMatchObject({ state: "notHappened" });
  });
});
