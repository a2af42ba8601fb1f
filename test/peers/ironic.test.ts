import { describe } from "vitest";
import { ironic } from "../../src/adapters/ironic/provisioner.ts";
import { provisionerContract, type ProvisionerPeer } from "../adapters/contract/provisioner.suite.ts";
import { ironicInstalled, startIronicServer } from "./support/ironic.ts";
import { eventually, outside } from "./support/process.ts";

async function startIronic(): Promise<ProvisionerPeer> {
  const server = await startIronicServer();
  for (const name of ["web-1", "web-2"]) await server.make(name, ["manage", "provide", "active"]);
  await server.make("spare", ["manage", "provide"]);
  return {
    port: ironic({ url: server.url, outside }),
    nodes: ["web-1", "web-2"],
    image: "http://images/second",
    unfit: "spare",
    settled: (look) =>
      eventually(async () => {
        const node = await look();
        if (node.state === "busy") throw new Error(`still ${node.rawState}`);
        return node;
      }, 30_000),
    close: () => server.close(),
  };
}

describe.skipIf(!ironicInstalled)("ironic", () => {
  provisionerContract("Ironic 39", startIronic);
});
