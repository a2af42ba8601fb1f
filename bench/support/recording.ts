/** What Alertmanager said in a month of a large fleet, as JSON lines in the order of time. */
import { open } from "node:fs/promises";
import { Heap } from "../../src/backtest/heap.ts";
import { seededRandom, type RandomStream } from "../../src/lab/random.ts";
import { fingerprintOf } from "../../src/starters/sources/bounds.ts";
import { FLEET } from "./fleet.ts";

const HOUR_MS = 3_600_000;
const REPEAT_MS = 4 * HOUR_MS;
const MONTH_MS = 30 * 24 * HOUR_MS;
const BEGIN = Date.parse("2026-10-01T00:00:00Z");

/** What fires in a month. */
interface Kind {
  name: string;
  faults: number;
  meanMs: number;
  /** Numbers of its alert rules, first and last. */
  rules: readonly [number, number];
}

/** Most lines are repeats of what stands for days. Of the new ones most are none of ours, and over within minutes. */
const KINDS: readonly Kind[] = [
  { name: "known", faults: 38_000, meanMs: 3 * HOUR_MS, rules: [0, FLEET.runbooks - 1] },
  { name: "passing", faults: 150_000, meanMs: HOUR_MS / 3, rules: [FLEET.runbooks, 29] },
  { name: "standing", faults: 21_500, meanMs: 5 * 24 * HOUR_MS, rules: [16, FLEET.rules - 1] },
];

/** One place of so many fails: each of its hosts alerts within two minutes, by one known rule. */
interface Outage {
  everyMs: number;
  places: number;
}

/** A rack four times a day, a whole group once a week. */
const OUTAGES: readonly Outage[] = [
  { everyMs: 6 * HOUR_MS, places: FLEET.racks },
  { everyMs: 7 * 24 * HOUR_MS, places: FLEET.groups },
];
const OUTAGE_WITHIN_MS = HOUR_MS / 30;
const OUTAGE_MEAN_MS = 2 * HOUR_MS;

/** What a line says. `known`: a fault begins that a runbook heals; `others`: one that none does. */
export type Word = "known" | "others" | "repeats" | "resolved";

/**
 * Writes the first `share` of a month with about a million alerts: each is told when it begins, every four hours, and when
 * it ends. A share is as dense as the whole, so that caps and queues are as full. Answers the number of lines.
 */
export async function writeRecording(path: string, share: number, hosts = FLEET.hosts): Promise<Record<Word, number>> {
  const file = await open(path, "w");
  const written: Record<Word, number> = { known: 0, others: 0, repeats: 0, resolved: 0 };
  let lines: string[] = [];
  for (const one of toldOf(BEGIN + share * MONTH_MS, hosts)) {
    written[wordOf(one)] += 1;
    if (lines.push(lineOf(one)) < 5_000) continue;
    await file.write(lines.join(""));
    lines = [];
  }
  await file.write(lines.join(""));
  await file.close();
  return written;
}

interface Fault {
  /** When it is told next. */
  at: number;
  rule: number;
  host: number;
  severity: "critical" | "warning";
  startsAt: number;
  endsAt: number;
}

function wordOf({ at, startsAt, endsAt, rule }: Fault): Word {
  if (at >= endsAt) return "resolved";
  if (at > startsAt) return "repeats";
  return rule < FLEET.runbooks ? "known" : "others";
}

function* toldOf(end: number, hosts: number): Generator<Fault> {
  const random = (name: string | number): Chance => new Chance(seededRandom(7).stream("recording", name), hosts);
  const beginnings = merged([
    ...KINDS.flatMap((kind) => ofKind(kind, random(kind.name))),
    ...OUTAGES.map((outage) => ofOutage(outage, random(outage.places))),
  ]);
  const next = new Heap<Fault>();
  const firing = new Set<string>();
  const keyOf = ({ rule, host }: Fault): string => `${rule} ${host}`;
  for (const fault of beginnings) {
    if (fault.at >= end) return;
    for (let due = next.peek(); due !== undefined && due.at <= fault.at; due = next.peek()) {
      next.pop();
      yield due;
      if (due.at < due.endsAt) next.push({ ...due, at: Math.min(due.at + REPEAT_MS, due.endsAt) });
      else firing.delete(keyOf(due));
    }
    // What fires already does not begin.
    if (firing.has(keyOf(fault))) continue;
    firing.add(keyOf(fault));
    next.push(fault);
  }
}

/** In the order of time. */
function* merged(sources: Iterator<Fault>[]): Generator<Fault> {
  const heads = new Heap<{ at: number; fault: Fault; source: Iterator<Fault> }>();
  const take = (source: Iterator<Fault>): void => {
    const { value, done } = source.next();
    if (done !== true) heads.push({ at: value.at, fault: value, source });
  };
  sources.forEach(take);
  for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
    yield head.fault;
    take(head.source);
  }
}

/** Those that are there when the month begins, and those that begin in it, without an end. */
function ofKind({ faults, meanMs, rules }: Kind, random: Chance): Iterator<Fault>[] {
  const gapMs = MONTH_MS / faults;
  const fault = (at: number, startsAt: number): Fault => random.fault(at, startsAt, random.rule(...rules), meanMs);
  const there = Array.from({ length: meanMs / gapMs }, () =>
    fault(BEGIN + REPEAT_MS * random.next(), BEGIN - random.exponential(meanMs)),
  );
  const begin = function* (): Generator<Fault> {
    for (let at = BEGIN; ; at += random.exponential(gapMs)) yield fault(at, at);
  };
  return [inOrder(there), begin()];
}

function* ofOutage({ everyMs, places }: Outage, random: Chance): Generator<Fault> {
  for (let at = BEGIN + everyMs / 2; ; at += everyMs) {
    const rule = random.rule(0, FLEET.runbooks - 1);
    const struck = random.hostsOfOne(places).map((host) => {
      const startsAt = at + OUTAGE_WITHIN_MS * random.next();
      return { ...random.fault(startsAt, startsAt, rule, OUTAGE_MEAN_MS), host };
    });
    yield* inOrder(struck);
  }
}

function inOrder(faults: Fault[]): IteratorObject<Fault> {
  return faults.sort((a, b) => a.at - b.at).values();
}

class Chance {
  private readonly stream: RandomStream;
  private readonly hosts: number;

  constructor(stream: RandomStream, hosts: number) {
    this.stream = stream;
    this.hosts = hosts;
  }

  next(): number {
    return this.stream.next();
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  rule(first: number, last: number): number {
    return this.stream.integer(first, last);
  }

  hostsOfOne(places: number): number[] {
    const place = this.stream.integer(0, places - 1);
    return Array.from({ length: this.hosts }, (_, host) => host).filter((host) => host % places === place);
  }

  /** A few hosts are worse than the others, as in life. */
  fault(at: number, startsAt: number, rule: number, meanMs: number): Fault {
    const host = Math.floor(this.hosts * this.next() ** 2);
    const severity = this.next() < 0.3 ? "critical" : "warning";
    return { at, rule, host, severity, startsAt, endsAt: at + this.exponential(meanMs) };
  }
}

function lineOf({ at, rule, host, severity, startsAt, endsAt }: Fault): string {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const labels = {
    alertname: `Rule${rule}`,
    host: `host-${host}`,
    instance: `host-${host}.example.net:9100`,
    device: "sda",
    job: "node",
    severity,
  };
  const alert = {
    fingerprint: fingerprintOf(labels),
    status: at < endsAt ? "firing" : "resolved",
    labels,
    annotations: { summary: `Rule${rule} on host-${host}`, runbook_url: "https://wiki.example.net/x" },
    startsAt: iso(startsAt),
    endsAt: at < endsAt ? null : iso(endsAt),
    source: "alertmanager",
    receivedAt: iso(at),
  };
  return `${JSON.stringify(alert)}\n`;
}
