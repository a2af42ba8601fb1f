/**
 * What goes on around a target: windows, people at work, what it depends on, whose it is, how its users fare. The limits
 * are pinned into the plan, the facts are read when it is decided and counted again when it is admitted. Plain JSON.
 */
import type { Breaker } from "./facts.ts";

export const WINDOW_KINDS = ["maintenance", "deploy"] as const;
/** `maintenance`: people work on the targets. `deploy`: a deployment or migration changes them. Nothing new acts in either. */
export type WindowKind = (typeof WINDOW_KINDS)[number];

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** From `from` to `to` (hh:mm on the clock of the time zone) on each of the days; a `to` before `from` is on the next day. */
export interface WeeklyTime {
  /** IANA name: `Europe/Warsaw`. */
  timeZone: string;
  days: Weekday[];
  from: string;
  to: string;
}
/** ISO. */
export interface OneTime {
  from: string;
  until: string;
}

/** A window of selfheal.yaml. */
export interface CalendarWindow {
  name: string;
  kind: WindowKind;
  scope: string;
  when: { weekly: WeeklyTime } | { once: OneTime };
}

/** A window that a person or a pipeline opened. */
export interface OpenWindow extends OneTime {
  id: string;
  kind: WindowKind;
  scope: string;
  reason: string;
  by: string;
}

/** A service level objective that governs this target. */
export interface SloLimit {
  name: string;
  /** Share of good events that is promised: 0.999. */
  objective: number;
  /** PromQL: the share of bad events in the objective's whole window, and lately. */
  errors: { window: string; recent: string };
  maxAgeMs: number;
  /** At least this share of the error budget left and at most this burn rate: as configured. */
  aggressive: { budgetLeft: number; burnRate: number };
  /** Less left, or burnt faster: people decide. */
  conservative: { budgetLeft: number; burnRate: number };
}

/** So many targets under one parent inside the window, and the parent is the one to heal. */
export interface CorrelationLimit {
  /** The parent's scope: `rack:r1`, `service:shop`, `target:switch:sw-1`. */
  scope: string;
  trips: number;
  windowMs: number;
  because: string;
  /** The runbook that heals the parent; null: there is none, so a person is paged. */
  remedy: string | null;
}

export interface SurroundingLimits {
  /** Of the target's own scopes; of what it depends on and what depends on it. */
  windows: CalendarWindow[];
  dependencyWindows: CalendarWindow[];
  /** Scopes that it depends on, also through others. */
  dependsOn: string[];
  /** Oldest reading of people's silences that counts; null: there is no Alertmanager to ask, or they are not heeded. */
  silencesMaxAgeMs: number | null;
  slos: SloLimit[];
  /** The system that holds the target by its inventory label. */
  heldBy: string | null;
  /** Oldest reading of other systems' leases that counts. Left out: there are none to read. */
  leasesMaxAgeMs?: number;
  correlation: { parents: CorrelationLimit[]; holdDownMs: number } | null;
}

/** What was read outside, kept in the record so that admission judges by it too. */
export interface OutsideReading<T> {
  /** ISO, the database's time. */
  at: string;
  /** null: it could not be read. */
  value: T | null;
  detail: string;
}

/** A silence on this target that is not ours. */
export interface HumanSilence {
  id: string;
  by: string;
  comment: string;
  endsAt: string;
}

/** Another system's lease on this target. */
export interface ReadLease {
  id: string;
  holder: string;
  reason: string;
  /** ISO; null: for as long as it is there. */
  until: string | null;
}

/** Shares of bad events, 0 to 1. */
export interface SloReading {
  window: number;
  recent: number;
}

/** Another system's word that it works on a target. */
export interface Hold {
  id: string;
  holder: string;
  reason: string;
  since: string;
  /** ISO; null: until it is released. */
  until: string | null;
}

export interface SurroundingFacts {
  /** Opened by hand, on the target's own scopes; on what it depends on or what depends on it. */
  windows: OpenWindow[];
  dependencyWindows: OpenWindow[];
  /** Targets in work on what it depends on or what depends on it, by scope; `held` counts those left out of service too. */
  busy: { scope: string; targets: string[]; held: number }[];
  /** null: never read. */
  silences: OutsideReading<HumanSilence[]> | null;
  /** By name; missing: never read. */
  slos: Record<string, OutsideReading<SloReading>>;
  holds: Hold[];
  /** null: never read. */
  leases: OutsideReading<ReadLease[]> | null;
  /** Distinct targets with alerts under each parent inside its window, since its latch was last reset. */
  correlated: Record<string, number>;
  /** Open latches of the parents. */
  latches: Breaker[];
  /** ISO; when the first alert of this remediation was received. null: none came by an alert. */
  alertedAt: string | null;
}
