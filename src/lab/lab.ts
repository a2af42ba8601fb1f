/**
 * The lab: a simulated datacenter that speaks the vendors' protocols over real sockets. The adapters do not know
 * whether they talk to it or to the real thing. Same seed, same world.
 */
import { Alerting } from "./alerting.ts";
import { type LabClock, scaledClock } from "./clock.ts";
import type { Fault, FaultSpec } from "./faults.ts";
import { Gateway } from "./gateway.ts";
import { inProcessConnect, inProcessFetch, type Outside } from "./in-process.ts";
import { Machines } from "./machines.ts";
import { Outbox } from "./outbox.ts";
import type { Vendor } from "./request.ts";
import { SeriesSource } from "./series.ts";
import { type Listening, serveHaproxy, serveHttp } from "./servers.ts";
import { Technicians } from "./technician.ts";
import { LAB_TOKEN, type LabOptions } from "./types.ts";
import { alertmanager } from "./vendors/alertmanager.ts";
import { hosts } from "./vendors/hosts.ts";
import { ironic } from "./vendors/ironic.ts";
import { prometheus } from "./vendors/prometheus.ts";
import { redfish } from "./vendors/redfish.ts";
import { requestTracker } from "./vendors/rt.ts";
import { pagerduty } from "./vendors/pagerduty.ts";
import { slack } from "./vendors/slack.ts";
import { type LogEntry, World } from "./world.ts";

export interface Lab {
  /** `http://127.0.0.1:<port>`; systems under /prometheus, /alertmanager, /rt, /ironic, /redfish, /slack, /pagerduty, /hosts. */
  url: string;
  /** HAProxy's runtime API, plain TCP. */
  haproxy: { host: string; port: number };
  /** The true state, for assertions. */
  world: World;
  clock: LabClock;
  /** Manual clock: runs everything that is due until then, in order. Lab ms. */
  advanceTo(labMs: number): void;
  /** Manual clock: by so many lab ms. */
  advance(ms: number): void;
  /** Lab ms of the next event; null when nothing is to come. */
  nextEventAt(): number | null;
  /** Told of everything that happens. Returns the way to stop listening. */
  on(listener: (entry: LogEntry) => void): () => void;
  inject(fault: FaultSpec): Fault;
  /** By id or name; without either, all. */
  clear(idOrName?: string): void;
  /** Resolves when no webhook of the lab is on its way. */
  idle(): Promise<void>;
  /** `fetch` and `connect` that reach this lab without a socket, in its own time: for simulated runs. */
  outside: Outside;
  stop(): Promise<void>;
}

/** Rejects when a port is taken. */
export async function startLab(options: LabOptions): Promise<Lab> {
  if (options.clock && options.timeScale !== undefined)
    throw new Error("give the lab either `clock` or `timeScale`, not both");
  const host = options.host ?? "127.0.0.1";
  const core = buildCore(options);
  let listening: Listening[] = [];
  try {
    listening = [await serveHttp(core.gateway, host, options.port ?? 0)];
    listening.push(await serveHaproxy(core.gateway, host, options.haproxyPort ?? 0));
  } catch (error) {
    await Promise.all(listening.map((each) => each.close()));
    throw error;
  }
  const [http, haproxy] = listening as [Listening, Listening];
  return assemble(core, options, `http://${host}:${http.port}`, { host, port: haproxy.port }, async () => {
    await Promise.all(listening.map((each) => each.close()));
  });
}

/** The same lab without sockets: only `lab.outside` reaches it. Its addresses are names that nothing listens on. */
export function simulatedLab(options: LabOptions): Lab {
  return assemble(buildCore(options), options, "http://lab.invalid", { host: "lab.invalid", port: 9999 }, () =>
    Promise.resolve(),
  );
}

interface Core {
  world: World;
  series: SeriesSource;
  technicians: Technicians;
  gateway: Gateway;
  outbox: Outbox;
}

function buildCore(options: LabOptions): Core {
  const clock = options.clock ?? scaledClock({ timeScale: options.timeScale ?? 1 });
  const world = new World(options, clock);
  const machines = new Machines(world, options.installer);
  const series = new SeriesSource(world);
  const vendors: Vendor[] = [
    prometheus(world, series),
    alertmanager(world),
    requestTracker(world, options.tickets?.tokens ?? [LAB_TOKEN]),
    ironic(world, machines),
    redfish(world, machines),
    slack(world),
    pagerduty(world),
    hosts(world),
  ];
  const technicians = new Technicians(world, options.technician);
  return { world, series, technicians, gateway: new Gateway(world, vendors), outbox: new Outbox(world) };
}

function assemble(
  core: Core,
  options: LabOptions,
  url: string,
  haproxy: Lab["haproxy"],
  close: () => Promise<void>,
): Lab {
  const { world, outbox, gateway } = core;
  const { clock } = world;
  const inject = (spec: FaultSpec): Fault => arm(core, spec);
  for (const fault of options.faults ?? []) inject(fault);
  const { webhookUrl, ...alerting } = options.alerting ?? {};
  if (webhookUrl !== undefined) new Alerting(world, outbox, { ...alerting, webhookUrl }, `${url}/alertmanager`);
  const ticketHook = options.tickets?.webhookUrl;
  if (ticketHook !== undefined) {
    world.tickets.onTransaction((ticket, { id, type }) => {
      void outbox.post("rt", ticketHook, { ticket: ticket.id, status: ticket.status, transaction: { id, type } });
    });
  }
  return {
    url,
    haproxy,
    world,
    clock,
    advanceTo: (labMs) => clock.advanceTo(labMs),
    advance: (ms) => clock.advanceTo(clock.now() + ms),
    nextEventAt: () => clock.nextEventAt(),
    on: (listener) => world.on(listener),
    inject,
    clear: (idOrName) => disarm(core, idOrName),
    idle: () => outbox.idle(),
    outside: {
      fetch: inProcessFetch(gateway, clock),
      connect: inProcessConnect(gateway, clock),
      clock: { now: () => clock.wall(clock.now()) },
    },
    stop: async () => {
      clock.stop();
      await outbox.stop();
      await close();
    },
  };
}

function arm(core: Core, spec: FaultSpec): Fault {
  const { world, series } = core;
  world.clock.catchUp();
  if (spec.host !== undefined) world.host(spec.host);
  const fault = world.faults.add(spec);
  const begins = (): void => {
    if (!world.faults.list().includes(fault)) return;
    if (spec.name === "self-heal") {
      const healing = world.failing().filter(({ id }) => spec.host === undefined || spec.host === id);
      for (const host of healing) for (const { slot } of host.disks) world.healDisk(host.id, slot);
      world.faults.clear(fault.id);
    }
    if (spec.name === "probe-stale") series.freeze();
    world.refreshHarm();
  };
  if (spec.afterMs === undefined || spec.afterMs <= 0) begins();
  else world.clock.at(fault.armedAt, begins);
  if (fault.endsAt !== null) world.clock.at(fault.endsAt, () => disarm(core, fault.id));
  return fault;
}

function disarm(core: Core, idOrName: string | undefined): void {
  core.world.clock.catchUp();
  const cleared = core.world.faults.clear(idOrName);
  core.world.refreshHarm();
  if (cleared.some((fault) => fault.name === "technician-absent")) core.technicians.comeBack();
}
