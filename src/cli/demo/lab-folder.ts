/** A configuration folder that points selfheal at a lab: what a team would write by hand for its own systems. */
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument, stringify } from "yaml";
import { ACTIONS } from "../../activities/actions.ts";
import { isRunbookFile } from "../../catalogue/folder.ts";
import { loadCatalogue } from "../../catalogue/load.ts";
import { formatProblem } from "../../catalogue/problems.ts";
import { projectPath } from "../../config/project.ts";
import { inventoryOf } from "../../lab/fleet.ts";
import type { Lab } from "../../lab/lab.ts";
import { DATACENTER_QUEUE, LAB_TOKEN } from "../../lab/types.ts";

export interface LabFolderOptions {
  folder: string;
  lab: Pick<Lab, "url" | "haproxy" | "world">;
  /** Every duration of the catalogue is divided by it, as the lab's time runs faster by it. */
  timeScale: number;
  /** Groups whose targets have a standing approval of the shipped runbook as it is. */
  standingFor: string[];
  /** Who gives it; default grace. */
  standingBy?: string;
  /** Runbooks to use; default: the shipped ones. */
  runbooks?: string;
  /** Instead of the runbooks' own: a person who tries things out needs longer than scaled hours. */
  approvalExpires?: string;
  /** Changes selfheal.yaml before it is written. */
  change?: (config: LabConfig) => object;
}

/** The selfheal.yaml of the lab. */
export type LabConfig = ReturnType<typeof configOf>;

/** The people of the lab: who may approve what. */
const PEOPLE = [
  { name: "ada", roles: ["dc-ops", "storage-sre"] },
  { name: "grace", roles: ["dc-ops"] },
  { name: "mallory", roles: ["viewer"] },
];

/** Writes the folder and the two secret files it refers to. Throws when the shipped runbooks do not load. */
export async function writeLabFolder(options: LabFolderOptions): Promise<void> {
  const { folder, lab } = options;
  await mkdir(join(folder, "secrets"), { recursive: true });
  await writeFile(join(folder, "secrets", "rt-token"), LAB_TOKEN, { mode: 0o600 });
  await writeFile(join(folder, "secrets", "chat-url"), `${lab.url}/slack/hook`, { mode: 0o600 });
  await cp(options.runbooks ?? projectPath("runbooks"), join(folder, "runbooks"), { recursive: true });
  if (options.approvalExpires !== undefined)
    await setApprovalExpires(join(folder, "runbooks"), options.approvalExpires);
  const inventory = {
    apiVersion: "selfheal/v1",
    kind: "Inventory",
    domains: ["lab.example.net"],
    targets: targetsOf(lab),
  };
  await writeFile(join(folder, "inventory.yaml"), stringify(inventory));
  const written = configOf(options);
  const config = options.change?.(written) ?? written;
  await writeConfig(folder, config);
  const standingApprovals = await standing(folder, options.standingFor, options.standingBy ?? "grace");
  await writeConfig(folder, { ...config, standingApprovals });
}

async function setApprovalExpires(folder: string, expires: string): Promise<void> {
  for (const name of (await readdir(folder)).filter(isRunbookFile)) {
    const document = parseDocument(await readFile(join(folder, name), "utf8"));
    if (document.has("approval")) document.setIn(["approval", "expires"], expires);
    await writeFile(join(folder, name), document.toString());
  }
}

async function writeConfig(folder: string, config: object): Promise<void> {
  await writeFile(join(folder, "selfheal.yaml"), stringify(config));
}

function targetsOf(lab: LabFolderOptions["lab"]): object[] {
  // Facts that a host does not have are left out rather than written as null.
  return inventoryOf(lab).map((entry) => ({
    ...entry,
    attributes: Object.fromEntries(Object.entries(entry.attributes).filter(([, value]) => value !== null)),
  }));
}

function configOf({ folder, lab, timeScale }: LabFolderOptions) {
  const groups = Object.fromEntries(inventoryOf(lab).map(({ group, owner }) => [group, { mode: "auto", owner }]));
  return {
    apiVersion: "selfheal/v1",
    kind: "Config",
    mode: "auto",
    timeScale,
    people: PEOPLE,
    approvals: { unsigned: "always" },
    groups,
    // A demo strikes many hosts of a small fleet at once, and shows what fails beside what heals: nobody is there to
    // reset a breaker or to resume. The caps, cooldowns and attempts are those of a real folder.
    limits: { storm: "off" },
    defaults: { storm: "off", errorBudget: "off", pauseOnFailure: false },
    // Its disks fail because they are told to: no ticket for a person to find out why.
    problems: { target: "off", pattern: "off" },
    connections: {
      prometheus: { url: `${lab.url}/prometheus` },
      alertmanager: { url: `${lab.url}/alertmanager` },
      loadBalancer: { uses: "haproxy", address: `tcp://${lab.haproxy.host}:${lab.haproxy.port}` },
      tickets: {
        uses: "request-tracker",
        url: `${lab.url}/rt`,
        token: `file:${join(folder, "secrets", "rt-token")}`,
        queue: DATACENTER_QUEUE,
      },
      provisioner: { uses: "ironic", url: `${lab.url}/ironic` },
      // Redfish has its own root under /redfish/v1.
      bmc: { uses: "redfish", url: lab.url },
      notify: { uses: "slack", url: `file:${join(folder, "secrets", "chat-url")}` },
    },
    probes: {
      "host.ready": {
        uses: "http.get",
        with: { url: "${{ target.healthUrl }}" },
        states: { unhealthy: "status != 200", healthy: "status == 200" },
      },
      "service.ready": {
        uses: "prometheus.query",
        with: { query: 'probe_success{host="${{ target.id }}"}', maxAge: "5m" },
        states: { unhealthy: "value != 1", healthy: "value == 1" },
      },
    },
    slis: {
      "pool-availability": {
        query: 'pool_availability_ratio{pool="${{ target.pool }}"}',
        maxAge: "5m",
        better: "higher",
        worseBy: 0.05,
      },
    },
  };
}

async function standing(folder: string, groups: string[], by: string): Promise<object[]> {
  const { catalogue, problems } = await loadCatalogue(folder, { actions: ACTIONS });
  if (catalogue === null) throw new Error(`the lab's folder does not load:\n${problems.map(formatProblem).join("\n")}`);
  return groups.flatMap((group) =>
    catalogue.runbooks.map((runbook) => ({
      runbook: runbook.name,
      runbookHash: runbook.hash,
      group,
      expires: "2099-01-01",
      maxCount: 1000,
      by,
    })),
  );
}
