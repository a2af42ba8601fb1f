/**
 * `selfheal dev --no-lab --config FOLDER` on a user's own systems: the folder, the rule and the receiver of
 * examples/first-remediation with other addresses and shorter times, and every system a real server on loopback. What
 * is not real is said where it is made: the disk, the technician, the two web servers, and Slack.
 */
import { execFile } from "node:child_process";
import { chmod, cp, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { remediationApi } from "../../src/cli/remediation-api.ts";
import { projectPath } from "../../src/config/project.ts";
import type { TryReport } from "../../src/backtest/try/try.ts";
import type { TellStory } from "../../src/starters/http/remediations.ts";
import { ironicInstalled, startIronicServer, type IronicServer } from "./support/ironic.ts";
import { monitoringInstalled, startMonitoring, type Monitoring } from "./support/monitoring.ts";
import { answers, eventually, freePort, serve, start, temporaryFolder, type Running } from "./support/process.ts";
import { redfishInstalled, startRedfishServer, type Disk, type RedfishServer } from "./support/redfish.ts";
import {
  requestTrackerInstalled,
  startRequestTrackerServer,
  type RequestTrackerServer,
} from "./support/request-tracker.ts";
import { haproxyInstalled, startWebPool, type WebPool } from "./support/web-pool.ts";

const EXAMPLE = projectPath("examples/first-remediation");
const TOKEN = "token-of-the-tests-alertmanager";
const there = [ironicInstalled, monitoringInstalled, redfishInstalled, requestTrackerInstalled, haproxyInstalled];
const run = promisify(execFile);

describe.skipIf(there.includes(false))("selfheal dev on a user's own systems", () => {
  const closers: (() => unknown)[] = [];
  const told: string[] = [];
  /** The disk of web-1: its SMART status at the exporter, its serial number in the BMC. */
  let disk: Disk = { serial: "OLD-4711", failing: false };
  let pool: WebPool;
  let monitoring: Monitoring;
  let tracker: RequestTrackerServer;
  let ironic: IronicServer;
  let redfish: RedfishServer;
  let selfheal: Running;
  let folder: string;
  let environment: Record<string, string>;
  let url: string;

  async function own<T extends { close(): unknown }>(starting: Promise<T>): Promise<T> {
    const started = await starting;
    closers.push(() => started.close());
    return started;
  }

  beforeAll(async () => {
    const exporter = (failing: () => boolean) =>
      own(serve((_, response) => response.end(`smartctl_device_smart_status{device="sda"} ${failing() ? 0 : 1}\n`)));
    const slack = await own(
      serve((request, response) => {
        request.on("data", (chunk: Buffer) => told.push(chunk.toString()));
        request.on("end", () => response.end("ok"));
      }),
    );
    url = `http://127.0.0.1:${await freePort()}`;
    const starting = [
      own(startWebPool(["web-1", "web-2"])),
      own(startRequestTrackerServer()),
      own(startIronicServer()),
      own(startRedfishServer()),
    ] as const;
    // When one does not come up, the others are there to be closed.
    await Promise.allSettled(starting);
    [pool, tracker, ironic, redfish] = await Promise.all(starting);
    await redfish.insert(disk);
    await ironic.make("web-1", ["manage", "provide", "active"]);
    const exporters = {
      "web-1": (await exporter(() => disk.failing)).address,
      "web-2": (await exporter(() => false)).address,
    };
    const webhook = { url, token: TOKEN };
    monitoring = await own(
      startMonitoring({ example: `${EXAMPLE}/monitoring`, exporters, haproxy: pool.metrics, webhook }),
    );
    environment = {
      RT_TOKEN: tracker.token,
      BMC_PASSWORD: redfish.password,
      SLACK_WEBHOOK_URL: `${slack.url}/hook`,
      ALERTMANAGER_TOKEN: TOKEN,
    };
    const place = await temporaryFolder("first-remediation");
    // Root's PostgreSQL runs as another user, who must get through to its data.
    await chmod(place.path, 0o711);
    closers.push(() => place.remove());
    folder = `${place.path}/config`;
    await writeFolder();
    selfheal = await startSelfheal();
    closers.push(() => selfheal.stop());
  }, 180_000);

  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  }, 60_000);

  /** The example with the addresses of our servers, short times, and the power switched off for the technician. */
  async function writeFolder(): Promise<void> {
    await cp(EXAMPLE, folder, { recursive: true });
    await edit("selfheal.yaml", [
      [["connections", "prometheus", "url"], monitoring.prometheus],
      [["connections", "alertmanager", "url"], monitoring.alertmanager],
      [["connections", "loadBalancer", "address"], pool.api],
      [["connections", "tickets", "url"], tracker.url],
      [["connections", "provisioner", "url"], ironic.url],
      [["connections", "bmc", "url"], redfish.url],
    ]);
    const attributes = ["targets", 0, "attributes"];
    await edit("inventory.yaml", [
      [[...attributes, "bmc"], redfish.system],
      [[...attributes, "address"], pool.addresses["web-1"]],
    ]);
    const off = { uses: "host.powerOff" };
    const on = { uses: "host.powerOn" };
    const file = "runbooks/disk-replacement.yaml";
    const document = parseDocument(await readFile(`${EXAMPLE}/${file}`, "utf8"));
    const steps = (document.toJS() as { ladder: { steps: { uses: string }[] }[] }).ladder[0]?.steps ?? [];
    const withPower = steps.flatMap((step) =>
      step.uses === "ticket.open" ? [off, step] : step.uses === "ticket.awaitResolved" ? [step, on] : [step],
    );
    await edit(file, [
      [["flapWindow"], "2s"],
      [["limits", "reopenAfter"], "1s"],
      [["ladder", 0, "steps"], withPower],
      [["ladder", 0, "verify", "hold"], "3s"],
      [["ladder", 0, "verify", "within"], "20s"],
      [["finish", "healthy", "over"], "3s"],
    ]);
  }

  async function edit(file: string, changes: [(string | number)[], unknown][]): Promise<void> {
    const document = parseDocument(await readFile(`${folder}/${file}`, "utf8"));
    for (const [path, value] of changes) document.setIn(path, value);
    await writeFile(`${folder}/${file}`, document.toString());
  }

  function startSelfheal(): Promise<Running> {
    const state = `${folder}/../state`;
    const args = ["dev", "--no-lab", "--config", folder, "--state", state, "--temporal-port", "0"];
    return start(projectPath("bin/selfheal"), [...args, "--port", new URL(url).port], {
      env: environment,
      ready: () => answers(`${url}/readyz`),
      withinMs: 90_000,
      stopWithinMs: 60_000,
    });
  }

  const cli = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, SELFHEAL_URL: url };
    return (await run(projectPath("bin/selfheal"), args, { env })).stdout;
  };
  const api = () => remediationApi({ url, token: null, fetch });

  async function newest(look: (story: TellStory) => void, withinMs = 60_000): Promise<TellStory> {
    return eventually(async () => {
      const story = await api().story("host/web-1");
      try {
        look(story);
      } catch (error) {
        throw new Error(`${story.remediation.phase}: ${story.remediation.doing}\n${selfheal.output()}`, {
          cause: error,
        });
      }
      return story;
    }, withinMs);
  }

  const tickets = async (): Promise<{ id: string; Subject: string; Status: string }[]> => {
    const query = new URLSearchParams({ query: "Queue = 'datacenter'", fields: "Subject,Status" });
    return ((await tracker.read(`/tickets?${query.toString()}`)) as { items: [] }).items;
  };
  const activeSilences = async () => (await monitoring.silences()).filter(({ status }) => status.state === "active");

  it("says of every connection at its start that it answers", () => {
    for (const name of ["prometheus", "alertmanager", "loadBalancer", "tickets", "provisioner", "bmc"]) {
      expect(selfheal.output()).toContain(`connections.${name}: answers`);
    }
  });

  it("takes alerts only with the token that selfheal.yaml refers to", async () => {
    const post = (headers: Record<string, string>) =>
      fetch(`${url}/v1/alerts/alertmanager`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ version: "4", alerts: [] }),
      });
    expect((await post({})).status).toBe(401);
    expect((await post({ authorization: "Bearer wrong" })).status).toBe(401);
  });

  it("observe: sees the fault that the rule fires on, decides, and touches nothing", async () => {
    disk = { serial: "OLD-4711", failing: true };
    await redfish.insert(disk);
    const story = await newest(({ remediation }) => expect(remediation.outcome).toBe("observed"));
    expect(story.alerts[0]).toMatchObject({ labels: { alertname: "SmartDiskFailing", host: "web-1", device: "sda" } });
    expect(story.plan?.rungs[0]?.steps.map(({ uses }) => uses)).toContain("provisioner.rebuild");
    expect(story.effects).toEqual([]);
    expect(await pool.state("web-1")).toMatchObject({ admin: "ready", weightPercent: 100 });
    expect(await tickets()).toEqual([]);
    expect(await monitoring.silences()).toEqual([]);
    expect((await ironic.node("web-1")).extra).toEqual({});
    expect(redfish.posts()).toEqual([]);
  }, 90_000);

  it("review, approved by a person: heals the host, and every system shows it", async () => {
    await selfheal.stop();
    await edit("selfheal.yaml", [[["mode"], "review"]]);
    selfheal = await startSelfheal();
    const asked = await newest(({ remediation }) => expect(remediation.phase).toBe("approve"));
    expect(told.join("\n")).toContain("needs an approval");
    await pool.hold("web-1");
    await cli("remediation", "approve", asked.remediation.remediationId, "--by", "anna", "--yes");

    // Alertmanager is silent about this host, HAProxy sends nothing new, and the open session is waited for.
    await eventually(async () => expect(await pool.state("web-1")).toMatchObject({ admin: "drain" }), 30_000);
    expect((await activeSilences()).map(({ matchers }) => matchers)).toMatchObject([
      [{ name: "host", value: "web-1" }],
    ]);
    expect(new Set(await pool.ask(6))).toEqual(new Set(["web-2"]));
    const waiting = await newest(({ waits }) => expect(waits.some((one) => one.doneAt === null)).toBe(true));
    expect(waiting.remediation.doing).toMatch(/1 sessions? open/);
    expect(await tickets()).toEqual([]);
    pool.letGo();

    // The power is off before the technician is called.
    const [ticket] = await eventually(async () => {
      const all = await tickets();
      expect(all).toHaveLength(1);
      return all;
    }, 90_000);
    expect(ticket).toMatchObject({ Status: "new" });
    expect(ticket?.Subject).toContain(`Replace the part OLD-4711 in web-1, slot ${redfish.bay}`);
    expect(await redfish.power()).toBe("Off");
    expect((await ironic.node("web-1")).extra).toEqual({});

    // The technician: another disk, and the ticket resolved in Request Tracker.
    disk = { serial: "NEW-4712", failing: false };
    await redfish.insert(disk);
    await tracker.put(ticket?.id ?? "", { Status: "resolved" });

    const healed = await newest(({ remediation }) => expect(remediation.closedAt).not.toBeNull(), 150_000);
    expect(healed.remediation, await cli("remediation", "show", "web-1")).toMatchObject({
      outcome: "healed",
      needsHuman: false,
    });
    expect(healed.decisions).toMatchObject([{ by: "anna", decision: "approve", status: "counted" }]);
    const unsettled = healed.effects.filter(({ state }) => state !== "happened");
    expect(unsettled).toEqual([]);

    expect(await redfish.power()).toBe("On");
    expect(redfish.posts()).toHaveLength(2);
    const node = await ironic.node("web-1");
    expect(node).toMatchObject({ provision_state: "active" });
    expect(node.instance_info["image_source"]).toBe("http://images.example.net/debian-12.qcow2");
    expect(node.extra["selfheal_key"]).toBe(`${healed.remediation.remediationId}/replace/rebuild`);
    expect(await monitoring.value('smart_failing{host="web-1",device="sda"}')).toBe(0);
    expect(await pool.state("web-1")).toMatchObject({ admin: "ready", weightPercent: 100, sessions: 0 });
    expect(new Set(await pool.ask(6))).toEqual(new Set(["web-1", "web-2"]));
    expect((await tickets()).map(({ Status }) => Status)).toEqual(["resolved"]);
    expect(await activeSilences()).toEqual([]);
    expect(told.join("\n")).toContain("disk-replacement healed");
    expect(await cli("remediation", "show", "web-1")).toContain("healed");
  }, 330_000);

  it("try: finds the same fault in what Prometheus remembers, and changes nothing", async () => {
    const about = ["--prometheus", monitoring.prometheus, "--alertmanager", monitoring.alertmanager, "--days", "1"];
    const { backtest, unnamed } = JSON.parse(await cli("try", ...about, "--json")) as TryReport;
    expect(unnamed).toEqual([]);
    expect(backtest.after.runbooks.map(({ runbook }) => runbook)).toContain("disk-replacement");
    expect(await cli("try", ...about)).toContain("Nothing was changed");
    expect(await activeSilences()).toEqual([]);
  }, 60_000);
});
