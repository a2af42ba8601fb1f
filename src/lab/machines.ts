/** What machines do by themselves over time: power, boot, installation. */
import type { Host, Provision } from "./host.ts";
import { type InstallerOptions, MINUTE_MS, SECOND_MS } from "./types.ts";
import type { World } from "./world.ts";

/** As sushy-tools and real controllers do it: the reply comes at once, the state follows. */
const POWER_MS: [number, number] = [1 * SECOND_MS, 11 * SECOND_MS];
/** The conductor holds its lock while it talks to the machine at both ends of an installation. */
const LOCKED_MS = 30 * SECOND_MS;

export class Machines {
  readonly #world: World;
  readonly #options: Required<InstallerOptions>;

  constructor(world: World, options: InstallerOptions = {}) {
    this.#world = world;
    this.#options = {
      installMs: [20 * MINUTE_MS, 40 * MINUTE_MS],
      bootMs: [60 * SECOND_MS, 120 * SECOND_MS],
      ...options,
    };
  }

  /** Submits; returns at once. A restart is off and on. */
  reset(host: Host, to: "on" | "off" | "restart"): void {
    const { clock } = this.#world;
    this.#world.note({ system: "redfish", what: `reset-${to}`, host: host.id });
    host.powerTarget = to === "on" ? "on" : "off";
    const draw = this.#world.random.stream("power", host.id, ++host.resets);
    const delayMs = Math.round(draw.between(...POWER_MS));
    clock.after(delayMs, () => this.#setPower(host, to === "on" ? "on" : "off"));
    if (to === "restart") clock.after(delayMs + 2 * SECOND_MS, () => this.#setPower(host, "on"));
  }

  /** The node's disk is written anew. The caller has checked that the node may be rebuilt. */
  rebuild(host: Host, key: string | undefined): void {
    const { clock, random } = this.#world;
    this.#world.note({ system: "ironic", what: "rebuild-started", host: host.id, ...(key !== undefined && { key }) });
    const installMs = Math.round(
      random.stream("install", host.id, ++host.rebuilds).between(...this.#options.installMs),
    );
    this.#provision(host, { state: "deploying", target: "active", lastError: null, reserved: true });
    clock.after(Math.min(LOCKED_MS, installMs / 3), () => {
      this.#provision(host, { state: "wait call-back", reserved: false });
    });
    if (this.#world.faults.strike("installer-stuck", { host: host.id })) return;
    const fails = this.#world.faults.strike("installer-fails", { host: host.id }) !== null;
    clock.after(installMs - Math.min(LOCKED_MS, installMs / 3), () => {
      this.#provision(host, { state: "deploying", reserved: true });
    });
    clock.after(installMs, () => (fails ? this.#deployFailed(host) : this.#deployed(host)));
  }

  #deployFailed(host: Host): void {
    const lastError = `Agent returned error for deploy step {'step': 'write_image', 'priority': 80, 'argsinfo': None, 'interface': 'deploy'} on node ${host.nodeUuid}: Error performing deploy_step write_image: Command execution failed: Writing image to device failed: [Errno 5] Input/output error.`;
    this.#provision(host, { state: "deploy failed", target: "active", lastError, reserved: false });
    this.#world.note({ system: "ironic", what: "rebuild-failed", host: host.id });
  }

  #deployed(host: Host): void {
    this.#world.change(host, () => {
      host.osInstalled = true;
      host.crashed = false;
      host.power = "on";
    });
    // Booting is set first: the node is active some time before its service answers.
    this.#boot(host);
    this.#provision(host, { state: "active", target: null, reserved: false });
    this.#world.note({ system: "ironic", what: "rebuild-done", host: host.id });
  }

  #setPower(host: Host, power: "on" | "off"): void {
    if (host.powerTarget === power) host.powerTarget = null;
    if (host.power === power) return;
    this.#world.change(host, () => {
      host.power = power;
      if (power === "off") host.crashed = false;
    });
    this.#world.note({ system: "redfish", what: `power-${power}`, host: host.id });
    if (power === "on") this.#boot(host);
  }

  #boot(host: Host): void {
    if (!host.osInstalled) return;
    this.#world.change(host, () => (host.booting = true));
    const generation = ++host.bootGeneration;
    const bootMs = Math.round(this.#world.random.stream("boot", host.id, generation).between(...this.#options.bootMs));
    this.#world.clock.after(bootMs, () => {
      if (host.bootGeneration === generation) this.#world.change(host, () => (host.booting = false));
    });
  }

  #provision(host: Host, change: Partial<Provision>): void {
    const { clock } = this.#world;
    // A client tells two states apart by this time, so it moves by a millisecond of the client's clock at least.
    const changedAt = Math.max(clock.now(), clock.lab(clock.wall(host.provision.changedAt) + 1));
    this.#world.change(host, () => {
      Object.assign(host.provision, change, { updatedAt: changedAt, changedAt });
    });
  }
}
