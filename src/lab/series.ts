/** What Prometheus knows of the world: series, as the exporters of the fleet would give them. */
import type { Fault } from "./faults.ts";
import { type Host, isServing } from "./host.ts";
import { wholeRequests } from "./traffic.ts";
import { MINUTE_MS } from "./types.ts";
import type { World } from "./world.ts";

export interface Series {
  labels: Record<string, string>;
  value: number;
  /** Wall ms. */
  sampledAt: number;
}

/** Age of the last sample at the moment a host's series stop. */
const STALE_MS = 30 * MINUTE_MS;

export class SeriesSource {
  readonly #world: World;
  /** The host's last samples, for each fault that made them stop. */
  readonly #frozen = new Map<string, Series[]>();

  constructor(world: World) {
    this.#world = world;
  }

  all(): Series[] {
    return [...[...this.#world.hosts.values()].flatMap((host) => this.#ofHost(host)), ...poolSeries(this.#world)];
  }

  /** Those of one host, or of the pools alone. */
  of(only: { host: string } | "pools"): Series[] {
    if (only === "pools") return poolSeries(this.#world);
    const host = this.#world.hosts.get(only.host);
    return host ? this.#ofHost(host) : [];
  }

  /** Remembers the samples as they are: `probe-stale` was armed. */
  freeze(): void {
    for (const host of this.#world.hosts.values()) this.#ofHost(host);
  }

  #ofHost(host: Host): Series[] {
    const { faults } = this.#world;
    const point = { system: "prometheus", host: host.id } as const;
    if (faults.holds("probe-gone", point)) return [];
    const stale = faults.holds("probe-stale", point);
    if (stale) return this.#stopped(host, stale);
    const series = hostSeries(this.#world, host);
    if (faults.holds("probe-nan", point)) return series.map((each) => ({ ...each, value: NaN }));
    if (!faults.holds("probe-double", point)) return series;
    return series.flatMap((each) => {
      const instance = each.labels["instance"]?.replace(/:\d+$/, ":9999") ?? "";
      return [each, { ...each, labels: { ...each.labels, instance } }];
    });
  }

  #stopped(host: Host, fault: Fault): Series[] {
    const key = `${fault.id}/${host.id}`;
    const known = this.#frozen.get(key);
    if (known) return known;
    const sampledAt = this.#world.clock.wall(fault.armedAt) - STALE_MS;
    const series = hostSeries(this.#world, host).map((each) => ({ ...each, sampledAt }));
    this.#frozen.set(key, series);
    return series;
  }
}

function hostSeries(world: World, host: Host): Series[] {
  const sampledAt = world.clock.wall(world.clock.now());
  const serving = isServing(host);
  const at = (name: string, port: number, job: string, value: number, more: Record<string, string> = {}): Series => ({
    labels: { __name__: name, host: host.id, instance: `${host.address}:${port}`, job, rack: host.rack, ...more },
    value,
    sampledAt,
  });
  const always = [at("up", 9100, "node", serving ? 1 : 0), at("probe_success", 9115, "blackbox", serving ? 1 : 0)];
  // A machine that does not run cannot be scraped: these vanish, which is not the same as 0.
  if (!serving) return always;
  return [
    ...always,
    at("node_boot_generation", 9100, "node", host.bootGeneration),
    ...host.disks.map((disk) =>
      at("smart_failing", 9633, "smartctl", disk.failing ? 1 : 0, { device: disk.device, serial: disk.serial }),
    ),
  ];
}

function poolSeries(world: World): Series[] {
  const sampledAt = world.clock.wall(world.clock.now());
  return [...world.traffic.pools.values()].flatMap((pool) => {
    const errors = Object.values(world.traffic.errors(pool.name)).reduce((sum, count) => sum + count, 0);
    const loads = world.traffic.loads(pool);
    const served = wholeRequests(pool.servers.reduce((sum, server) => sum + server.served, 0));
    const at = (name: string, value: number, more: Record<string, string> = {}): Series => ({
      labels: { __name__: name, instance: "lb-1:8404", job: "haproxy", pool: pool.name, ...more },
      value,
      sampledAt,
    });
    return [
      at("pool_availability_ratio", world.traffic.availability(pool)),
      at("pool_requests_total", served + errors),
      at("pool_request_errors_total", errors),
      ...pool.servers.map((server) =>
        at("haproxy_server_current_sessions", loads.get(server)?.sessions ?? 0, { server: server.host.id }),
      ),
    ];
  });
}
