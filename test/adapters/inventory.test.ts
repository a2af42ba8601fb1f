/** What other systems say of machines, as they say it. */
import { afterEach, describe, expect, it } from "vitest";
import { ansibleInventory } from "../../src/adapters/ansible/inventory.ts";
import { kubernetesInventory, kubernetesNodes } from "../../src/adapters/kubernetes/inventory.ts";
import { prometheusInventory } from "../../src/adapters/prometheus/inventory.ts";
import { AdapterError } from "../../src/ports/failure.ts";
import { Secret } from "../../src/ports/secret.ts";
import { httpStub, outside, type Stub } from "./support.ts";

let stub: Stub | null = null;
afterEach(() => stub?.close());

describe("Prometheus", () => {
  it("gives every scraped target with its labels, and the token is shown", async () => {
    const metric = { __name__: "up", instance: "web-1:9100", job: "node" };
    const data = {
      resultType: "vector",
      result: [
        { metric, value: [1, "1"] },
        { metric: { job: "x" }, value: [1, "0"] },
      ],
    };
    stub = await httpStub(() => ({ body: { status: "success", data } }));
    const port = prometheusInventory({ url: stub.url, token: new Secret("t-1"), outside });
    expect(await port.found()).toEqual([
      { name: "web-1:9100", aliases: [], labels: { instance: "web-1:9100", job: "node" }, groups: [] },
    ]);
    expect(stub.seen).toMatchObject([{ url: "/api/v1/query?query=up", headers: { authorization: "Bearer t-1" } }]);
  });

  it("that answers something else is an error without the token", async () => {
    stub = await httpStub(() => ({ status: 401, body: { error: "t-1 is wrong" } }));
    const port = prometheusInventory({ url: stub.url, token: new Secret("t-1"), outside });
    await expect(port.found()).rejects.toThrow(/^prometheus targets: answered 401(?!.*t-1)/);
  });
});

const node = (name: string) => ({
  metadata: { name, labels: { "topology.kubernetes.io/region": "eu-1" }, uid: "u" },
  status: {
    addresses: [
      { type: "InternalIP", address: "10.0.0.1" },
      { type: "Hostname", address: name },
    ],
  },
});

describe("Kubernetes", () => {
  it("gives every node of every page, with its addresses", async () => {
    stub = await httpStub(({ url }) => {
      const isLast = url.includes("continue=next");
      const metadata = isLast ? {} : { continue: "next" };
      return { body: { kind: "NodeList", metadata, items: [node(isLast ? "n-2" : "n-1")] } };
    });
    const all = await kubernetesInventory({ url: stub.url, outside }).found();
    expect(all.map(({ name, aliases }) => [name, aliases])).toEqual([
      ["n-1", ["10.0.0.1"]],
      ["n-2", ["10.0.0.1"]],
    ]);
    expect(all[0]?.labels).toEqual({ "topology.kubernetes.io/region": "eu-1" });
  });

  it("reads what kubectl wrote, and refuses anything else", () => {
    expect(kubernetesNodes({ kind: "List", items: [node("n-1")] })).toHaveLength(1);
    expect(() => kubernetesNodes({ kind: "PodList", items: [] })).toThrow(/right would be the output of kubectl/);
    expect(() => kubernetesNodes([])).toThrow(AdapterError);
  });
});

const SAME = [
  { name: "db-1", aliases: [], labels: { port: "5432" }, groups: ["all", "db"] },
  { name: "web-01", aliases: ["10.0.0.1"], labels: { ansible_host: "10.0.0.1" }, groups: ["all", "site", "web"] },
  { name: "web-02", aliases: [], labels: {}, groups: ["all", "site", "web"] },
];
const sorted = (content: unknown) => ansibleInventory(content).sort((a, b) => (a.name < b.name ? -1 : 1));

describe("Ansible", () => {
  it("gives the same hosts from YAML, JSON and INI", () => {
    const web = { hosts: { "web-[01:02]": {}, "web-01": { ansible_host: "10.0.0.1", secret: "{{ vault }}" } } };
    const db = { hosts: { "db-1": { port: 5432 } } };
    expect(sorted({ all: { children: { site: { children: { web } }, db } } })).toEqual(SAME);
    const hostvars = { "web-01": { ansible_host: "10.0.0.1" }, "db-1": { port: 5432 } };
    const groups = { web: { hosts: ["web-01", "web-02"] }, db: { hosts: ["db-1"] }, site: { children: ["web"] } };
    expect(sorted({ _meta: { hostvars }, all: { children: ["site", "db"] }, ...groups })).toEqual(SAME);
    const ini = `; ours
[web]
web-[01:02]
web-01 ansible_host=10.0.0.1 # the first
[db]
db-1 port="5432"
[site:children]
web
[all:children]
site
db
[all:vars]
password=hunter2
`;
    expect(sorted(ini)).toEqual(SAME);
  });

  it("hosts that share an address stay different machines, and the address is the name of none", () => {
    const shared = "[web]\nweb-[1:2] ansible_host=10.0.0.9\ngate ansible_host=10.0.0.7\nbehind ansible_host=gate\n";
    const names = sorted(shared).map(({ name, aliases }) => [name, ...aliases]);
    expect(names).toEqual([["behind"], ["gate", "10.0.0.7"], ["web-1"], ["web-2"]]);
  });

  it("groups that contain each other end", () => {
    const hosts = ansibleInventory("[a]\nh\n[a:children]\nb\n[b:children]\na\n");
    expect(hosts.map(({ groups }) => groups)).toEqual([["a", "b"]]);
  });

  it.each([
    ["a line that is no host", "[web]\nweb-1 is down\n", "line 2: web-1 is down"],
    ["a section that is none", "[web:wars]\nx\n", "line 1: [web:wars]"],
    ["a range backwards", "[web]\nweb-[9:1]\n", "web-[9:1] is no range"],
    ["a range without end", "[web]\nweb-[1:99999999]\n", "of at most 10000"],
    ["no hosts", {}, "it has no hosts"],
    ["hosts as a list in YAML", { all: { hosts: ["a"] } }, "right would be an Ansible inventory"],
  ])("refuses %s", (_what, content, expected) => {
    expect(() => ansibleInventory(content)).toThrow(expected);
  });
});
