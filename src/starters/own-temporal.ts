/**
 * Is the Temporal behind our address the one that the record belongs to? (design §3 law 2, ADR 0033.) A server that was
 * set up anew under the same address knows none of what is open: whoever took its word would heal twice, or reap.
 */
import type { Client } from "@temporalio/client";
import { EXIT, UserError } from "../config/user-error.ts";
import type { TemporalHome, TemporalIdentity, TemporalRecord } from "../record/api-temporal.ts";
import { isRecordUnavailable } from "../record/errors.ts";
import { Unavailable } from "./problems.ts";
import { DecisionRefused, type Remediations } from "./remediations.ts";
import { unavailable } from "./temporal.ts";

/** The record belongs to another namespace than the one that answers. */
export class ForeignTemporal extends UserError {
  readonly home: TemporalHome;
  readonly seen: TemporalIdentity;

  constructor(home: TemporalHome, seen: TemporalIdentity) {
    super(
      `this record belongs to Temporal namespace ${placeOf(home)} since ${home.since}, but ${placeOf(seen)} answers: ` +
        "nothing is started, decided or repaired there. Correct TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, or bring the old " +
        "namespace back; if it is gone for good, " +
        `selfheal temporal accept --namespace-id ${seen.namespaceId} moves the record`,
      { exitCode: EXIT.unavailable },
    );
    this.home = home;
    this.seen = seen;
  }
}

function placeOf({ namespace, namespaceId, address }: TemporalIdentity): string {
  return `${namespace} (${namespaceId}) at ${address}`;
}

/** Null when it is the record's own, or the record has none yet. */
export function foreign(home: TemporalHome | null, seen: TemporalIdentity): ForeignTemporal | null {
  return home === null || home.namespaceId === seen.namespaceId ? null : new ForeignTemporal(home, seen);
}

const CALL_TIMEOUT_MS = 5_000;

/** Of the namespace that answers now. `address` is for people. Rejects when Temporal does not answer. */
export async function temporalIdentity(client: Client, address: string): Promise<TemporalIdentity> {
  const { namespace } = client.options;
  const { namespaceInfo } = await client.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
    client.workflowService.describeNamespace({ namespace }),
  );
  const namespaceId = namespaceInfo?.id ?? "";
  if (namespaceId !== "") return { namespaceId, namespace, address };
  throw new UserError(
    `Temporal at ${address} does not say the id of its namespace ${namespace} (DescribeNamespace): without it nobody can ` +
      "tell whether it is the one that the record belongs to",
    { exitCode: EXIT.unavailable },
  );
}

export interface OwnTemporal {
  /**
   * Resolves when it is the record's own; the first one that is seen becomes that. Asks at most once a second.
   * @throws ForeignTemporal, or why Temporal or the record cannot be asked.
   */
  check(): Promise<void>;
  /** The connection was lost: somebody else may answer next. */
  forget(): void;
}

/** A server is not set up anew within this time. */
const KEEP_MS = 1_000;

export function ownTemporal(
  record: Pick<TemporalRecord, "temporalHome" | "pinTemporal">,
  identity: () => Promise<TemporalIdentity>,
  clock: () => number = performance.now.bind(performance),
): OwnTemporal {
  let kept: { until: number; answer: Promise<void> } | null = null;
  const look = async (): Promise<void> => {
    const seen = await identity();
    const home = (await record.temporalHome()) ?? (await record.pinTemporal(seen));
    const fault = foreign(home, seen);
    if (fault !== null) throw fault;
  };
  const forget = (): void => {
    kept = null;
  };
  const check = (): Promise<void> => {
    if (kept !== null && clock() < kept.until) return kept.answer;
    const answer = look();
    kept = { until: clock() + KEEP_MS, answer };
    return answer;
  };
  return { check, forget };
}

/** Nothing is sent to a Temporal that is not the record's own: it is said as if Temporal were away. */
export function onlyOwn(remediations: Remediations, own: OwnTemporal): Remediations {
  const guarded = async <T>(send: () => Promise<T>): Promise<T> => {
    try {
      await own.check();
      return await send();
    } catch (error) {
      if (error instanceof DecisionRefused) throw error;
      own.forget();
      throw asUnavailable(error);
    }
  };
  return {
    start: (request) => guarded(() => remediations.start(request)),
    resolve: (target, message) => guarded(() => remediations.resolve(target, message)),
    recover: (target, message) => guarded(() => remediations.recover(target, message)),
    run: (workflowId, runId) => guarded(() => remediations.run(workflowId, runId)),
    hint: (workflowId, about) => guarded(() => remediations.hint(workflowId, about)),
    decide: (workflowId, decision) => guarded(() => remediations.decide(workflowId, decision)),
    ping: () => guarded(() => remediations.ping()),
  };
}

function asUnavailable(error: unknown): Error {
  if (error instanceof Unavailable) return error;
  if (isRecordUnavailable(error)) return new Unavailable("record", error.placeless, { cause: error });
  if (error instanceof ForeignTemporal) return new Unavailable("temporal", error.message, { cause: error });
  return unavailable("ask Temporal", error);
}
