/** Three systems that each know a part of the same machines, into the folder of `selfheal init`: one inventory that works. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { ACTIONS } from "../../src/activities/actions.ts";
import { initFolder } from "../../src/cli/init.ts";
import { inventoryCommand } from "../../src/cli/inventory.ts";
import { runbookCheck } from "../../src/cli/runbook-check.ts";
import { httpStub, type Stub } from "../adapters/support.ts";

const HOSTS_INI = `[web]
web-1 ansible_host=10.0.0.11
web-21 ansible_host=10.0.0.21
[site:children]
web
[all:vars]
password=hunter2
`;
const node = (name: string, address: string, region: string) => ({
  metadata: { name, labels: { "topology.kubernetes.io/region": region } },
  status: { addresses: [{ type: "InternalIP", address }] },
});
const NODES = {
  kind: "List",
  items: [node("web-21.example.net", "10.0.0.21", "eu-1"), node("web-22", "10.0.0.22", "eu-2")],
};
const UP = ["web-21:9100", "10.0.0.22:9100"].map((instance, index) => {
  return { metric: { __name__: "up", instance, job: "node", rack: `r${index + 7}` }, value: [1, "1"] };
});

let folder: string;
let prometheus: Stub;
let inventory: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "selfheal-import-"));
  await initFolder(join(folder, "config"));
  inventory = join(folder, "config", "inventory.yaml");
  await writeFile(join(folder, "hosts.ini"), HOSTS_INI);
  await writeFile(join(folder, "nodes.json"), JSON.stringify(NODES));
  const data = {
    resultType: "vector",
    result: [...UP, { metric: { instance: "lb-1:9101", job: "haproxy" }, value: [1, "1"] }],
  };
  prometheus = await httpStub(() => ({ body: { status: "success", data } }));
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, "write").mockReturnValue(true);
});
afterAll(async () => {
  vi.restoreAllMocks();
  prometheus.close();
  await rm(folder, { recursive: true });
});

async function importFrom(...args: string[]): Promise<void> {
  const root = new Command("selfheal").option("--json").exitOverride().addCommand(inventoryCommand());
  await root.parseAsync(["inventory", "import", "--group", "web", "--out", inventory, "--from", ...args], {
    from: "user",
  });
}

async function importAll(): Promise<void> {
  await importFrom("ansible", join(folder, "hosts.ini"));
  await importFrom("kubernetes", join(folder, "nodes.json"), "--field", "region=topology.kubernetes.io/region");
  await importFrom("prometheus", prometheus.url, "--only", "job=node", "--field", "rack=rack");
}

test("what Ansible, Kubernetes and Prometheus know becomes one inventory, which checks, and once is enough", async () => {
  const before = await readFile(inventory, "utf8");
  await importAll();
  const text = await readFile(inventory, "utf8");
  const { targets } = parse(text) as { targets: Record<string, unknown>[] };
  const comments = (of: string): string[] => of.match(/#.*$/gm) ?? [];
  expect(comments(text), "what people wrote stays").toEqual(comments(before));
  expect(targets.slice(0, 2)).toEqual((parse(before) as { targets: unknown[] }).targets);
  expect(targets.map(({ id }) => id)).toEqual(["web-1", "web-2", "web-21", "web-22"]);
  expect(targets.slice(2)).toEqual([
    { kind: "host", id: "web-21", aliases: ["10.0.0.21"], group: "web", rack: "r7", region: "eu-1" },
    { kind: "host", id: "web-22", aliases: ["10.0.0.22"], group: "web", rack: "r8", region: "eu-2" },
  ]);
  expect(text).not.toContain("hunter2");

  let said = "";
  const write = (more: string): void => void (said += more);
  const code = await runbookCheck({ paths: [join(folder, "config")], actions: ACTIONS, json: false, write });
  expect(said).toContain("no mistakes");
  expect(code).toBe(0);

  await importAll();
  expect(await readFile(inventory, "utf8")).toBe(text);
});
