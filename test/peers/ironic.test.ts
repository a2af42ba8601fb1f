import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe } from "vitest";
import { ironic } from "../../src/adapters/ironic/provisioner.ts";
import { provisionerContract, type ProvisionerPeer } from "../adapters/contract/provisioner.suite.ts";
import { answers, cache, eventually, freePort, installed, outside, start, temporaryFolder } from "./support/process.ts";

const bin = join(cache, "venv-ironic/bin");
const binary = installed("ironic", join(bin, "ironic"));
const headers = { "x-openstack-ironic-api-version": "1.81", "content-type": "application/json" };

async function startIronic(): Promise<ProvisionerPeer> {
  const folder = await temporaryFolder("ironic");
  const apiPort = await freePort();
  const url = `http://127.0.0.1:${apiPort}`;
  const config = `${folder.path}/ironic.conf`;
  await writeFile(config, configuration(folder.path, apiPort));
  execFileSync(join(bin, "ironic-dbsync"), ["--config-file", config, "create_schema"], { stdio: "ignore" });
  const ready = (): Promise<void> => answers(`${url}/v1/nodes`, { headers });
  const running = await start(binary ?? "", ["--config-file", config], { ready, withinMs: 60_000 });
  const port = ironic({ url, outside });

  const make = async (name: string, targets: string[]): Promise<void> => {
    const body = JSON.stringify({
      name,
      driver: "fake-hardware",
      instance_info: { image_source: "http://images/first" },
    });
    // The API is up before the conductor has said which drivers there are.
    await eventually(() => answers(`${url}/v1/nodes`, { method: "POST", headers, body }), 20_000);
    for (const target of targets) {
      const put = { method: "PUT", headers, body: JSON.stringify({ target }) };
      await answers(`${url}/v1/nodes/${name}/states/provision`, put);
      await eventually(async () => {
        const node = await port.node(name);
        if (node?.rawState !== AFTER[target]) throw new Error(`${name} is ${node?.rawState}`);
      }, 20_000);
    }
  };
  for (const name of ["web-1", "web-2"]) await make(name, ["manage", "provide", "active"]);
  await make("spare", ["manage", "provide"]);

  return {
    port,
    nodes: ["web-1", "web-2"],
    image: "http://images/second",
    unfit: "spare",
    settled: (look) =>
      eventually(async () => {
        const node = await look();
        if (node.state === "busy") throw new Error(`still ${node.rawState}`);
        return node;
      }, 30_000),
    async close() {
      await running.stop();
      await folder.remove();
    },
  };
}

const AFTER: Record<string, string> = { manage: "manageable", provide: "available", active: "active" };

/** One process, no Keystone, no hardware; whatever would look for a real tool is switched off. */
function configuration(folder: string, apiPort: number): string {
  const without = ["vendor", "console", "inspect", "raid", "bios", "rescue", "firmware"];
  const fake = ["deploy", "boot", "power", "management"];
  return `
[DEFAULT]
auth_strategy = noauth
rpc_transport = none
host = 127.0.0.1
my_ip = 127.0.0.1
state_path = ${folder}
enabled_hardware_types = fake-hardware
enabled_network_interfaces = noop
default_network_interface = noop
enabled_storage_interfaces = noop
${without.map((name) => `enabled_${name}_interfaces = no-${name}`).join("\n")}
${fake.map((name) => `enabled_${name}_interfaces = fake`).join("\n")}
[api]
host_ip = 127.0.0.1
port = ${apiPort}
[conductor]
automated_clean = false
[database]
connection = sqlite:///${folder}/ironic.sqlite
[service_catalog]
auth_type = none
endpoint_override = http://127.0.0.1:${apiPort}
[fake]
deploy_delay = 1
`;
}

describe.skipIf(binary === null)("ironic", () => {
  provisionerContract("Ironic 39", startIronic);
});
