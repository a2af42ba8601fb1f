import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe } from "vitest";
import { redfish } from "../../src/adapters/redfish/bmc.ts";
import { bmcContract, type BmcPeer } from "../adapters/contract/bmc.suite.ts";
import { answers, cache, eventually, freePort, installed, outside, start, temporaryFolder } from "./support/process.ts";

const binary = installed("sushy-tools", join(cache, "venv-sushy-tools/bin/sushy-emulator"));
const SYSTEM = "27946b59-9e44-4fa7-8e91-f3527a1ef094";

async function startSushy(): Promise<BmcPeer> {
  const folder = await temporaryFolder("sushy");
  await mkdir(`${folder.path}/state`);
  const config = `
SUSHY_EMULATOR_STATE_DIR = ${JSON.stringify(`${folder.path}/state`)}
SUSHY_EMULATOR_FAKE_SYSTEMS = [{"uuid": "${SYSTEM}", "name": "web-1", "power_state": "On", "external_notifier": False, "nics": []}]
SUSHY_EMULATOR_STORAGE = {"${SYSTEM}": [{"Id": "1", "Name": "Local Storage", "StorageControllers": [], "Drives": ["32ADF365C6C1B7BD"]}]}
SUSHY_EMULATOR_DRIVES = {("${SYSTEM}", "1"): [{"Id": "32ADF365C6C1B7BD", "Name": "Drive Sample", "CapacityBytes": 899527000000, "Protocol": "SAS"}]}
`;
  await writeFile(`${folder.path}/sushy.conf`, config);
  const apiPort = await freePort();
  const url = `http://127.0.0.1:${apiPort}`;
  const args = [
    "--fake",
    "--config",
    `${folder.path}/sushy.conf`,
    "--interface",
    "127.0.0.1",
    "--port",
    String(apiPort),
  ];
  const running = await start(binary ?? "", args, { ready: () => answers(`${url}/redfish/v1/Systems/${SYSTEM}`) });
  return {
    port: redfish({ url, outside }),
    system: SYSTEM,
    aliases: [`/redfish/v1/Systems/${SYSTEM}`, `${url}/redfish/v1/Systems/${SYSTEM}`],
    drives: [{ serial: "1234570", slot: "32ADF365C6C1B7BD", health: "ok" }],
    until: (look) =>
      eventually(async () => {
        if (!(await look())) throw new Error("not yet");
      }, 20_000),
    async close() {
      await running.stop();
      await folder.remove();
    },
  };
}

describe.skipIf(binary === null)("redfish", () => {
  bmcContract("sushy-tools", startSushy);
});
