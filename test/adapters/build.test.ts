import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { buildPorts } from "../../src/adapters/build.ts";
import { connectionsSchema } from "../../src/adapters/connections.ts";
import { PROBE_INPUTS } from "../../src/adapters/probes.ts";
import { Secret } from "../../src/ports/secret.ts";
import { failureOf, outside } from "./support.ts";

describe("buildPorts", () => {
  it("rejects every call to a port that is not configured as permanent, and says what is missing", async () => {
    const ports = buildPorts({}, outside);
    const calls = {
      loadBalancer: ports.loadBalancer.servers(),
      tickets: ports.tickets.findByKey("k"),
      provisioner: ports.provisioner.node("web-1"),
      bmc: ports.bmc.power("1"),
      alertmanager: ports.silences.active(),
      leases: ports.leases.held(),
      notify: ports.notify.send({ key: "k", route: "page", title: "", text: "" }),
    };
    for (const [connection, call] of Object.entries(calls)) {
      const failure = await failureOf(call);
      expect(failure.failure).toBe("permanent");
      expect(failure.message).toContain(`not configured in selfheal.yaml (connections.${connection})`);
    }
    expect(await ports.metrics.scalar("up", 1)).toMatchObject({ ok: false });
  });

  it("has every probe that runbooks may name", () => {
    expect(Object.keys(buildPorts({}, outside).probes)).toEqual(Object.keys(PROBE_INPUTS));
  });
});

describe("connections", () => {
  const whole = {
    prometheus: { url: "http://p:9090" },
    loadBalancer: { uses: "haproxy", address: "unix:///run/haproxy.sock" },
    tickets: { uses: "request-tracker", url: "https://rt", token: new Secret("abc"), queue: "dc" },
    notify: { uses: "slack", url: new Secret("https://hooks.slack.com/services/x") },
  };
  it("accepts what is whole and keeps secrets closed", () => {
    const parsed = connectionsSchema.parse(whole);
    expect(parsed.tickets?.token.reveal()).toBe("abc");
    expect(`${JSON.stringify(parsed)} ${inspect(parsed, { depth: 9 })} ${String(parsed.tickets?.token)}`).not.toMatch(
      /abc|services/,
    );
  });
  it("refuses plain text where a secret belongs, unknown keys and bad addresses", () => {
    const wrong = [
      { ...whole, tickets: { ...whole.tickets, token: "abc" } },
      { ...whole, prometheus: { url: "p:9090" } },
      { ...whole, loadBalancer: { uses: "haproxy", address: "lb:1" } },
      { ...whole, loadbalancer: {} },
    ];
    for (const one of wrong) expect(connectionsSchema.safeParse(one).success).toBe(false);
  });
});
