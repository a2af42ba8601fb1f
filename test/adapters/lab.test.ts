/** Every adapter's contract against the lab: over sockets, and in-process as the simulated runs reach it. */
import { describe, expect, it } from "vitest";
import { buildPorts } from "../../src/adapters/build.ts";
import { manualClock } from "../../src/lab/clock.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { simulatedLab, startLab, type Lab } from "../../src/lab/lab.ts";
import { DATACENTER_QUEUE, LAB_TOKEN } from "../../src/lab/types.ts";
import type { Outside, Ports } from "../../src/ports/ports.ts";
import { Secret } from "../../src/ports/secret.ts";
import { bmcContract } from "./contract/bmc.suite.ts";
import { loadBalancerContract } from "./contract/load-balancer.suite.ts";
import { metricsContract } from "./contract/metrics.suite.ts";
import { provisionerContract } from "./contract/provisioner.suite.ts";
import { silenceContract } from "./contract/silences.suite.ts";
import { ticketContract } from "./contract/tickets.suite.ts";
import { outside as sockets } from "./support.ts";

const SEED = 7;
const STEP_MS = 5_000;

interface LabPeer {
  lab: Lab;
  outside: Outside;
  ports: Ports;
  close: () => Promise<void>;
}

function connected(lab: Lab, outside: Outside): LabPeer {
  const token = new Secret(LAB_TOKEN);
  const ports = buildPorts(
    {
      prometheus: { url: `${lab.url}/prometheus` },
      alertmanager: { url: `${lab.url}/alertmanager` },
      loadBalancer: { uses: "haproxy", address: `tcp://${lab.haproxy.host}:${lab.haproxy.port}` },
      tickets: { uses: "request-tracker", url: `${lab.url}/rt`, token, queue: DATACENTER_QUEUE },
      provisioner: { uses: "ironic", url: `${lab.url}/ironic` },
      bmc: { uses: "redfish", url: lab.url },
      notify: { uses: "slack", url: new Secret(`${lab.url}/slack/services/T0/B0/token-of-hook`) },
    },
    outside,
  );
  return { lab, outside, ports, close: () => lab.stop() };
}

const options = () => ({
  seed: SEED,
  hosts: makeFleet({ count: 10, seed: SEED, failing: ["web-1"] }),
  clock: manualClock(),
});
const over: Record<string, () => Promise<LabPeer>> = {
  "the lab over sockets": async () => connected(await startLab(options()), sockets),
  "the lab in-process": () => {
    const lab = simulatedLab(options());
    return Promise.resolve(connected(lab, lab.outside));
  },
};

/** Lets the lab's time pass, step by step, until `look` gives something. */
async function passing<T>(lab: Lab, look: () => Promise<T | null>): Promise<T> {
  for (let step = 0; step < 2_000; step += 1) {
    const found = await look();
    if (found !== null) return found;
    lab.advance(STEP_MS);
  }
  throw new Error("it never came");
}

for (const [name, start] of Object.entries(over)) {
  metricsContract(name, async () => ({
    ...(await start().then(({ ports, close }) => ({ port: ports.metrics, close }))),
    one: { query: 'smart_failing{host="web-1"}', value: 1 },
    many: "smart_failing",
    none: 'smart_failing{host="nobody"}',
    bad: "smart_failing{",
    nan: null,
  }));

  loadBalancerContract(name, async () => {
    const { ports, close } = await start();
    return { port: ports.loadBalancer, close, pool: "web", servers: ["web-1", "web-2"], down: null };
  });

  ticketContract(name, async () => {
    const { lab, ports, outside, close } = await start();
    return {
      port: ports.tickets,
      queue: DATACENTER_QUEUE,
      async personSets(id, Status) {
        const headers = { authorization: `token ${LAB_TOKEN}`, "content-type": "application/json" };
        const put = { method: "PUT", headers, body: JSON.stringify({ Status }) };
        expect((await outside.fetch(`${lab.url}/rt/REST/2.0/ticket/${id}`, put)).status).toBe(200);
      },
      close,
    };
  });

  provisionerContract(name, async () => {
    const { lab, ports, close } = await start();
    return {
      port: ports.provisioner,
      nodes: ["web-1", "web-2"],
      image: "http://images.lab.example.net/new.qcow2",
      unfit: null,
      settled: (look) =>
        passing(lab, async () => {
          const node = await look();
          return node.state === "busy" ? null : node;
        }),
      close,
    };
  });

  bmcContract(name, async () => {
    const { lab, ports, close } = await start();
    const host = lab.world.host("web-1");
    const path = `/redfish/v1/Systems/${host.systemId}`;
    return {
      port: ports.bmc,
      system: host.systemId,
      aliases: [path, `${lab.url}${path}`],
      drives: null,
      until: async (look) => {
        await passing(lab, async () => ((await look()) ? true : null));
      },
      close,
    };
  });

  silenceContract(name, async () => {
    const { lab, ports, close } = await start();
    return { port: ports.silences, now: () => lab.clock.wall(lab.clock.now()), close };
  });

  describe(`what only the lab can show: ${name}`, () => {
    it("reads the failing drive that the world has, by slot and serial", async () => {
      const { lab, ports, close } = await start();
      const host = lab.world.host("web-1");
      const drives = await ports.bmc.drives(host.systemId);
      expect(drives.map((one) => one.serial)).toEqual(host.disks.map((one) => one.serial));
      expect(drives.some((one) => one.failurePredicted === true || one.health !== "ok")).toBe(true);
      await close();
    });

    it("posts a message with its key, escaped", async () => {
      const { lab, ports, close } = await start();
      await ports.channels["notify"]?.post(
        {
          ...{ key: "rem/1", route: "page", title: "web-1 <down>", text: "a & b" },
          ...{ source: "web-1", severity: "critical", standing: null },
        },
        null,
      );
      expect(lab.world.messages[0]?.text).toContain("web-1 &lt;down&gt;");
      expect(lab.world.messages[0]?.text).toContain("rem/1");
      await close();
    });
  });
}
