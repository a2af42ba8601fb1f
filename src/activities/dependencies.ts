/** What the activities are made of; the composition root (workers/compose.ts) puts it together. */
import type { Logger } from "pino";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Alert } from "../contracts/alert.ts";
import type { FaultHook } from "../contracts/fault-points.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { AnyAction } from "../ports/action.ts";
import type { Ports } from "../ports/ports.ts";
import type { RecordStore } from "../record/api.ts";

/** `how`: Temporal's word, `TERMINATED`. */
export type SeenRun = { state: "running" | "notFound" } | { state: "closed"; how: string };

export interface Catalogues {
  /** The active one. */
  active(): Promise<Catalogue>;
  /** A pinned one; rejects when the record does not have it. */
  version(version: string): Promise<Catalogue>;
}

/** The record's word for a call that does not fit what it holds; calling again cannot help. */
export function isRecordConflict(error: unknown): error is Error {
  return error instanceof Error && error.name === "RecordConflict";
}

/** The record's word for a database that is away. */
export function isRecordUnavailable(error: unknown): error is Error {
  return error instanceof Error && "kind" in error && error.kind === "RecordUnavailable";
}

export interface ActivityDependencies {
  record: RecordStore;
  catalogues: Catalogues;
  ports: Ports;
  actions: Record<string, AnyAction>;
  /** Sends alerts to the workflow of the target they really belong to. */
  reroute(target: TargetRef, alerts: Alert[], joinKey: string): Promise<void>;
  /** Of one run of a workflow. Only `closed` is proof that it has ended (law 2). Rejects when Temporal is away. */
  run(workflowId: string, runId: string): Promise<SeenRun>;
  /** Wakes a waiting workflow; one that is gone is fine. */
  hint(workflowId: string, about: string): Promise<void>;
  log: Logger;
  /** Makes a failure that no retry can cure. */
  refuse(message: string): Error;
  /** Makes a failure that is tried again while a worker of another version may still take it, and then as `refuse`. */
  notByMe(message: string): Error;
  /** Makes a failure that is tried again, after `afterMs` where it is given; null: it was tried often enough. */
  later(message: string, afterMs?: number): Error | null;
  /** Tests only: dies here when it is told to (the crash-window matrix). */
  faultPoint?: FaultHook | undefined;
}
