/**
 * sushy-tools' Redfish emulator with one system, its power, and a password. The emulator's drives all have one serial
 * number, a literal in its page template; the drive in the bay is therefore given as a template of the same name, the
 * emulator's own text with serial number and prediction put in. Everything else is the emulator.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { answers, cache, freePort, installed, printed, start, temporaryFolder } from "./process.ts";

const bin = join(cache, "venv-sushy-tools/bin");
const binary = installed("sushy-tools", join(bin, "sushy-emulator"));
export const redfishInstalled = binary !== null;

const SYSTEM = "27946b59-9e44-4fa7-8e91-f3527a1ef094";
const BAY = "bay-0";

/** The emulator's own main, with a folder that is looked into before its templates. */
const LAUNCH = `
import sys
from jinja2 import ChoiceLoader, FileSystemLoader
from sushy_tools.emulator import main as emulator
emulator.app.jinja_loader = ChoiceLoader([FileSystemLoader(sys.argv.pop(1)), emulator.app.jinja_loader])
emulator.app.config["TEMPLATES_AUTO_RELOAD"] = True
sys.exit(emulator.main())`;

export interface Disk {
  serial: string;
  failing: boolean;
}

export interface RedfishServer {
  /** Of the system: what the inventory calls `bmc`. */
  system: string;
  url: string;
  user: string;
  password: string;
  bay: string;
  /** Puts this disk into the only bay. */
  insert(disk: Disk): Promise<void>;
  power(): Promise<string>;
  /** Every POST that the emulator's log shows. */
  posts(): string[];
  close(): Promise<void>;
}

export async function startRedfishServer(): Promise<RedfishServer> {
  const folder = await temporaryFolder("sushy");
  for (const one of ["state", "templates"]) await mkdir(`${folder.path}/${one}`);
  const [user, password] = ["selfheal", "a password of the test"];
  const hashed = "import bcrypt, sys; print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(4)).decode())";
  await writeFile(`${folder.path}/users`, `${user}:${await python(hashed, password)}`);
  await writeFile(`${folder.path}/sushy.conf`, configuration(folder.path));
  const packageFolder = await python("import sushy_tools.emulator as emulator; print(emulator.__path__[0])");
  const original = await readFile(`${packageFolder}/templates/drive.json`, "utf8");
  const insert = async ({ serial, failing }: Disk): Promise<void> => {
    const text = original
      .replace(/"SerialNumber": "[^"]*"/, `"SerialNumber": "${serial}"`)
      .replace(/"FailurePredicted": \w+/, `"FailurePredicted": ${failing}`);
    await writeFile(`${folder.path}/templates/drive.json`, text);
  };
  await insert({ serial: "none", failing: false });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const system = `${url}/redfish/v1/Systems/${SYSTEM}`;
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
  const args = ["-c", LAUNCH, `${folder.path}/templates`, "--fake", "--config", `${folder.path}/sushy.conf`];
  const running = await start(join(bin, "python"), [...args, "--interface", "127.0.0.1", "--port", String(port)], {
    ready: () => answers(system, { headers }),
  });
  return {
    system,
    url,
    user,
    password,
    bay: BAY,
    insert,
    power: async () => ((await (await fetch(system, { headers })).json()) as { PowerState: string }).PowerState,
    posts: () => running.output().match(/POST \S+/g) ?? [],
    async close() {
      await running.stop();
      await folder.remove();
    },
  };
}

function python(script: string, ...args: string[]): Promise<string> {
  return printed(join(bin, "python"), ["-c", script, ...args]);
}

function configuration(folder: string): string {
  return `
SUSHY_EMULATOR_STATE_DIR = "${folder}/state"
SUSHY_EMULATOR_AUTH_FILE = "${folder}/users"
SUSHY_EMULATOR_FAKE_SYSTEMS = [{"uuid": "${SYSTEM}", "name": "web-1", "power_state": "On", "external_notifier": False, "nics": []}]
SUSHY_EMULATOR_STORAGE = {"${SYSTEM}": [{"Id": "1", "Name": "Local Storage", "StorageControllers": [], "Drives": ["${BAY}"]}]}
SUSHY_EMULATOR_DRIVES = {("${SYSTEM}", "1"): [{"Id": "${BAY}", "Name": "Drive", "CapacityBytes": 899527000000, "Protocol": "SAS"}]}
`;
}
