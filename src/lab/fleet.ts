/** A plausible fleet, and the inventory that selfheal would have of it. */
import { seededRandom } from "./random.ts";
import type { LabHost } from "./types.ts";
import type { World } from "./world.ts";

export interface FleetOptions {
  count: number;
  seed: number;
  /** Default `eu-1`. */
  region?: string;
  /** Hosts in a rack; default 4. */
  perRack?: number;
  /** Servers in a pool; default 100. What comes above is in `web-pool-2`, `web-pool-3` … */
  perPool?: number;
  /** Ids of hosts, or how many hosts of the pools, whose disk fails from the start. Default none. */
  failing?: number | string[];
  /** Default `lab.example.net`. */
  domain?: string;
}

interface Role {
  name: string;
  pool: string | null;
  owner: string;
  services: string[];
  stateless: boolean;
  disks: number;
}

/** Of each ten hosts: six web, three api, one database, which is not stateless and has two disks. */
const ROLES: readonly Role[] = [
  { name: "web", pool: "web", owner: "webhosting-sre", services: ["shop"], stateless: true, disks: 1 },
  { name: "api", pool: "api", owner: "platform-sre", services: ["api"], stateless: true, disks: 1 },
  { name: "db", pool: null, owner: "storage-sre", services: ["orders-db"], stateless: false, disks: 2 },
];
const PATTERN = [0, 0, 1, 0, 0, 1, 0, 2, 0, 1] as const;
const MODELS = ["Contoso S4510 960GB", "Contoso S4610 960GB", "Fabrikam PM883 960GB"] as const;

export function makeFleet(options: FleetOptions): LabHost[] {
  const random = seededRandom(options.seed);
  const numbers = new Map<string, number>();
  const hosts = Array.from({ length: options.count }, (_, index): LabHost => {
    const role = ROLES[PATTERN[index % PATTERN.length] ?? 0] as Role;
    const number = (numbers.get(role.name) ?? 0) + 1;
    numbers.set(role.name, number);
    const id = `${role.name}-${number}`;
    const rack = Math.floor(index / (options.perRack ?? 4)) + 1;
    const draw = random.stream("fleet", id);
    return {
      id,
      fqdn: `${id}.${options.domain ?? "lab.example.net"}`,
      address: addressOf(index + 1),
      role: role.name,
      owner: role.owner,
      group: role.name,
      rack: `r${String(rack).padStart(2, "0")}`,
      region: options.region ?? "eu-1",
      pool: role.pool === null ? null : poolName(role.pool, number, options.perPool ?? 100),
      image: `http://images.lab.example.net/debian-12-${role.name}.qcow2`,
      services: role.services,
      labels: { role: role.name, env: "production" },
      stateless: role.stateless,
      disks: Array.from({ length: role.disks }, (__, slot) => ({
        slot,
        device: `/dev/sd${String.fromCharCode(97 + slot)}`,
        serial: draw.hex(10).toUpperCase(),
        model: draw.pick(MODELS),
        failing: false,
      })),
    };
  });
  letFail(hosts, options);
  return hosts;
}

function poolName(role: string, number: number, perPool: number): string {
  const pool = Math.ceil(number / perPool);
  return pool === 1 ? role : `${role}-pool-${pool}`;
}

function addressOf(number: number): string {
  return `10.${20 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

function letFail(hosts: LabHost[], options: FleetOptions): void {
  const { failing = [] } = options;
  const pooled = hosts.filter((host) => host.pool !== null);
  const chosen =
    typeof failing === "number"
      ? shuffled(pooled, options.seed)
          .slice(0, failing)
          .map(({ id }) => id)
      : failing;
  for (const id of chosen) {
    const disk = hosts.find((host) => host.id === id)?.disks[0];
    if (!disk) throw new Error(`the fleet has no host "${id}" to let fail`);
    disk.failing = true;
  }
}

function shuffled<T>(items: T[], seed: number): T[] {
  const draw = seededRandom(seed).stream("failing");
  return items
    .map((item) => ({ item, at: draw.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** One machine as an inventory knows it; the shape of selfheal's static inventory. */
export interface InventoryEntry {
  kind: "host";
  id: string;
  aliases: string[];
  owner: string;
  group: string;
  rack: string;
  region: string;
  services: string[];
  labels: Record<string, string>;
  stateless: boolean;
  attributes: {
    pool: string | null;
    image: string;
    diskCount: number;
    /** The system's id in Redfish. */
    bmc: string;
    /** The node's name in Ironic. */
    node: string;
    address: string;
    fqdn: string;
    healthUrl: string;
    diskModel: string;
  };
}

export function inventoryOf(lab: { world: World; url: string }): InventoryEntry[] {
  return [...lab.world.hosts.values()].map((host) => ({
    kind: "host",
    id: host.id,
    aliases: [host.address, host.fqdn],
    owner: host.owner,
    group: host.group,
    rack: host.rack,
    region: host.region,
    services: host.services,
    labels: host.labels,
    stateless: host.stateless,
    attributes: {
      pool: host.pool,
      image: host.image,
      diskCount: host.disks.length,
      bmc: host.systemId,
      node: host.id,
      address: host.address,
      fqdn: host.fqdn,
      healthUrl: `${lab.url}/hosts/${host.id}/health`,
      diskModel: host.disks[0]?.model ?? "",
    },
  }));
}
