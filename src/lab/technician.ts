/**
 * The people of the datacenter: they take tickets of their queue in order, arrive hours later, swap the disk that the
 * ticket names and resolve it. They read the ticket when they start: what is withdrawn by then is not done, what is
 * withdrawn later is done all the same.
 */
import { bayOf, type Host } from "./host.ts";
import { hostNamedIn, type LabTicket, wordsOf } from "./tickets.ts";
import { DATACENTER_QUEUE, HOUR_MS, MINUTE_MS, type TechnicianOptions } from "./types.ts";
import type { World } from "./world.ts";

const NAME = "technician";

export class Technicians {
  readonly #world: World;
  readonly #options: Required<TechnicianOptions>;
  /** Lab ms at which each of them has nothing to do any more. */
  readonly #freeAt: number[];
  /** Tickets that nobody comes for, as long as the fault is there. */
  #parked: LabTicket[] = [];

  constructor(world: World, options: TechnicianOptions = {}) {
    this.#world = world;
    this.#options = {
      count: 2,
      arrivalMs: [2 * HOUR_MS, 4 * HOUR_MS],
      swapMs: [5 * MINUTE_MS, 15 * MINUTE_MS],
      ...options,
    };
    this.#freeAt = Array.from({ length: this.#options.count }, () => world.clock.now());
    world.tickets.onTransaction((ticket, transaction) => {
      if (transaction.type === "Create" && ticket.queue === DATACENTER_QUEUE) this.#takeOn(ticket);
    });
  }

  /** The fault `technician-absent` was cleared: the tickets that lay about are taken on now. */
  comeBack(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const ticket of parked) this.#takeOn(ticket);
  }

  #takeOn(ticket: LabTicket): void {
    const { clock, random } = this.#world;
    const draw = random.stream("technician", ticket.id);
    const arrivesAt = clock.now() + Math.round(draw.between(...this.#options.arrivalMs));
    const swapMs = Math.round(draw.between(...this.#options.swapMs));
    const who = this.#freeAt.indexOf(Math.min(...this.#freeAt));
    const startsAt = Math.max(arrivesAt, this.#freeAt[who] ?? 0);
    this.#freeAt[who] = startsAt + swapMs;
    clock.at(startsAt, () => this.#start(ticket, swapMs));
  }

  #start(ticket: LabTicket, swapMs: number): void {
    const { tickets, clock, faults } = this.#world;
    if (ticket.status !== "new" && ticket.status !== "open") return;
    const work = readTicket(this.#world, ticket);
    if (faults.strike("technician-absent", { host: work?.host.id ?? null })) {
      this.#parked.push(ticket);
      return;
    }
    if (!work) {
      const question = "Which disk of which host? Found neither serial nor bay.";
      tickets.message(ticket, "Correspond", { content: question }, NAME);
      tickets.setStatus(ticket, "stalled", NAME);
      return;
    }
    tickets.set(ticket, "owner", NAME, NAME);
    tickets.setStatus(ticket, "open", NAME);
    clock.after(swapMs, () => this.#finish(ticket, work));
  }

  #finish(ticket: LabTicket, work: { host: Host; slot: number }): void {
    const { tickets, faults } = this.#world;
    const wrong = faults.strike("wrong-disk", { host: work.host.id });
    const other = work.host.disks.find((disk) => disk.slot !== work.slot);
    const text =
      wrong && !other
        ? `Reseated the disk in Bay ${work.slot}.`
        : swapDisk(this.#world, work.host, wrong && other ? other.slot : work.slot);
    if (wrong && !other) this.#world.note({ system: "datacenter", what: "disk-reseated", host: work.host.id });
    tickets.message(ticket, "Comment", { content: text }, NAME);
    tickets.setStatus(ticket, "resolved", NAME);
  }
}

/** What a person would make of the text: a serial number is certain, a host with a bay is good enough. */
function readTicket(world: World, ticket: LabTicket): { host: Host; slot: number } | null {
  const text = `${ticket.subject}\n${world.tickets.body(ticket)}`;
  const words = wordsOf(text);
  for (const host of world.hosts.values()) {
    const disk = host.disks.find((candidate) => words.has(candidate.serial));
    if (disk) return { host, slot: disk.slot };
  }
  const host = hostNamedIn(world, text);
  const slot = /\b(?:slot|bay)\D{0,12}(\d+)/i.exec(text)?.[1];
  const disk = host?.disks.find((candidate) => String(candidate.slot) === slot) ?? null;
  return host && disk ? { host, slot: disk.slot } : null;
}

/** Takes the disk out and puts a new one in. A host whose only disk it was has no operating system from then on. */
function swapDisk(world: World, host: Host, slot: number): string {
  const disk = host.disks.find((candidate) => candidate.slot === slot);
  if (!disk) throw new Error(`host "${host.id}" has no disk in slot ${slot}`);
  const old = disk.serial;
  const bad = world.faults.strike("bad-new-disk", { host: host.id }) !== null;
  world.change(host, () => {
    disk.serial = world.random.stream("disk", host.id, slot, ++host.swaps).hex(10).toUpperCase();
    disk.failing = bad;
    if (bad) disk.failedAt = world.clock.now();
    if (host.disks.length === 1) host.osInstalled = false;
  });
  world.note({
    system: "datacenter",
    what: "disk-swapped",
    host: host.id,
    detail: `${bayOf(disk)}: ${old} -> ${disk.serial}`,
  });
  return `Replaced the disk in ${bayOf(disk)}: old serial ${old}, new serial ${disk.serial}.`;
}
