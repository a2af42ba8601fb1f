/** Ironic in one process on SQLite, without Keystone, with fake hardware. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { answers, cache, eventually, freePort, installed, printed, start, temporaryFolder } from "./process.ts";

const bin = join(cache, "venv-ironic/bin");
const binary = installed("ironic", join(bin, "ironic"));
export const ironicInstalled = binary !== null;
const headers = { "x-openstack-ironic-api-version": "1.81", "content-type": "application/json" };

export interface IronicNode {
  provision_state: string;
  instance_info: Record<string, unknown>;
  extra: Record<string, unknown>;
}

export interface IronicServer {
  url: string;
  /** Enrols a node and leads it through these targets of `states/provision`. */
  make(name: string, targets: string[]): Promise<void>;
  node(name: string): Promise<IronicNode>;
  close(): Promise<void>;
}

export async function startIronicServer(): Promise<IronicServer> {
  const folder = await temporaryFolder("ironic");
  const apiPort = await freePort();
  const url = `http://127.0.0.1:${apiPort}`;
  const config = `${folder.path}/ironic.conf`;
  await writeFile(config, configuration(folder.path, apiPort));
  await printed(join(bin, "ironic-dbsync"), ["--config-file", config, "create_schema"]);
  const ready = (): Promise<void> => answers(`${url}/v1/nodes`, { headers });
  const running = await start(binary ?? "", ["--config-file", config], { ready, withinMs: 60_000 });

  const node = async (name: string): Promise<IronicNode> =>
    (await (await fetch(`${url}/v1/nodes/${name}`, { headers })).json()) as IronicNode;
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
        const { provision_state: state } = await node(name);
        if (state !== AFTER[target]) throw new Error(`${name} is ${state}`);
      }, 20_000);
    }
  };
  return {
    url,
    make,
    node,
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
