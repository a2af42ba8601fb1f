/** Who plays in the demo: hosts of a simulated fleet, what happens to each, and how it must end. */
import type { Outcome } from "../../contracts/remediation.ts";
import { makeFleet } from "../../lab/fleet.ts";
import type { FaultName, FaultSpec } from "../../lab/faults.ts";
import type { LabHost } from "../../lab/types.ts";

export interface Part {
  host: string;
  /** For people, in the opening. */
  story: string;
  expected: Outcome | "nothing";
  alert: "firing" | "resolved";
  /** Its new disk is bad too. */
  badNewDisk?: boolean;
}

export interface Cast {
  hosts: LabHost[];
  parts: Part[];
}

const FLEET = 80;

/** `count` parts: the first six show one thing each, all further ones are healed. */
export function castOf(options: { count: number; seed: number; fault: FaultName | null }): Cast {
  const hosts = makeFleet({ count: Math.max(FLEET, options.count * 4), seed: options.seed });
  const files = ["files-1", "files-2", "files-3"].map((id, index) => stateful(hosts[index], id, index));
  hosts.push(...files);
  const web = oneARack(hosts.filter((host) => host.group === "web"));
  const parts: Part[] = [];
  for (let index = 0; index < options.count; index++) parts.push(partOf(index, web, options.fault));
  for (const part of parts) {
    if (part.alert === "firing") (find(hosts, part.host).disks[0] ?? fail(part.host)).failing = true;
  }
  return { hosts, parts };
}

/** For `--chaos`: a fleet, and `count` hosts of the groups that a standing approval covers, whose disks will fail. */
export function crowdOf({ count, seed }: { count: number; seed: number }): { hosts: LabHost[]; failing: string[] } {
  const hosts = makeFleet({ count: Math.max(FLEET, count * 4), seed });
  const pooled = oneARack(hosts.filter(({ pool }) => pool !== null));
  return { hosts, failing: pooled.slice(0, count).map(({ id }) => id) };
}

function partOf(index: number, web: LabHost[], fault: FaultName | null): Part {
  const host = web[index % web.length] ?? fail(`part ${index}`);
  const healed: Part = {
    host: host.id,
    story: "its disk fails; a technician replaces it",
    expected: "healed",
    alert: "firing",
  };
  switch (index) {
    case 0:
      return fault === null
        ? healed
        : { ...healed, story: `its disk fails, and the fault ${fault} strikes`, expected: UNDER_FAULT[fault] };
    case 1:
      return { ...healed, story: "its new disk is bad as well", expected: "escalated", badNewDisk: true };
    case 2:
      return {
        host: "files-1",
        story: "its data is its own, so a person must approve",
        expected: "healed",
        alert: "firing",
      };
    case 3:
      return { ...twoDisks(host), alert: "firing", expected: "refused" };
    case 4:
      return { host: host.id, story: "its alert is resolved already", expected: "nothing", alert: "resolved" };
    default:
      return healed;
  }
}

function twoDisks(host: LabHost): Pick<Part, "host" | "story"> {
  const first = host.disks[0] ?? fail(host.id);
  if (host.disks.length === 1)
    host.disks.push({ ...first, slot: 1, device: "/dev/sdb", serial: `${first.serial}B`, failing: false });
  return { host: host.id, story: "it has two disks: the runbook is not for it" };
}

/** A group of hosts that keep data: no standing approval covers them. */
function stateful(model: LabHost | undefined, id: string, index: number): LabHost {
  const like = model ?? fail(id);
  return {
    ...like,
    id,
    fqdn: `${id}.lab.example.net`,
    address: `10.99.0.${index + 1}`,
    role: "files",
    owner: "storage-sre",
    group: "files",
    rack: `f0${index + 1}`,
    pool: "files",
    services: ["files"],
    labels: { role: "files", env: "production" },
    stateless: false,
    disks: like.disks.map((disk) => ({ ...disk, serial: `F${index}${disk.serial}`, failing: false })),
  };
}

/** The first of each rack, then the second …: the runbook works on one host of a rack at a time. */
function oneARack(hosts: LabHost[]): LabHost[] {
  const racks = new Map<string, LabHost[]>();
  for (const host of hosts) racks.set(host.rack, [...(racks.get(host.rack) ?? []), host]);
  const depth = Math.max(...[...racks.values()].map((rack) => rack.length));
  return Array.from({ length: depth }, (_, level) => [...racks.values()].flatMap((rack) => rack[level] ?? [])).flat();
}

function find(hosts: LabHost[], id: string): LabHost {
  return hosts.find((host) => host.id === id) ?? fail(id);
}

function fail(what: string): never {
  throw new Error(`the demo's fleet has no host for ${what}`);
}

/** How the first host must end when a fault strikes it: always in a state that has a name. */
export const UNDER_FAULT: Record<FaultName, Outcome> = {
  "reply-lost": "healed",
  timeout: "healed",
  "timeout-after-effect": "healed",
  "error-burst": "healed",
  slow: "healed",
  "rate-limited": "healed",
  "technician-absent": "escalated",
  "wrong-disk": "escalated",
  "bad-new-disk": "escalated",
  "installer-stuck": "escalated",
  "installer-fails": "escalated",
  "probe-gone": "refused",
  "probe-stale": "refused",
  "probe-nan": "refused",
  "probe-double": "refused",
  "metrics-down": "refused",
  "self-heal": "recovered",
  "notifier-down": "healed",
  "drain-refused": "escalated",
  "undo-refused": "escalated",
  harm: "escalated",
};

/** Faults of the way strike some calls, then stop; faults of a host last. */
export function faultSpec(name: FaultName, host: string): FaultSpec {
  switch (name) {
    case "reply-lost":
    case "timeout":
    case "timeout-after-effect":
      return { name, host, count: 1 };
    case "error-burst":
    case "rate-limited":
      // A third failed reading in a row would be refused, and rightly so.
      return { name, host, count: 2 };
    case "slow":
    case "notifier-down":
    case "metrics-down":
      return { name };
    default:
      return { name, host };
  }
}
