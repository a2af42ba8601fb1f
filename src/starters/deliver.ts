/**
 * Hands alerts to the workflows of their targets. Serialises on the fault: while one firing of a fault is on its way,
 * every repetition waits for the same signal instead of sending its own, and a `resolved` waits for its `firing`, so
 * that the workflow never hears of the end before the beginning.
 */
import type { AlertMessage } from "../contracts/messages.ts";
import type { FaultHook } from "../contracts/fault-points.ts";
import { faultKey, workflowId } from "../contracts/ids.ts";
import { inRemediation, type SpanStart, type Tracer } from "../ports/trace.ts";
import { Gate } from "./gate.ts";
import type { StarterMetrics } from "./metrics.ts";
import type { Remediations, StartRequest } from "./remediations.ts";
import type { Deliverable } from "./route.ts";

/** Requests that read the record just before a delivery was marked there still find it here. */
const REMEMBER_MS = 10_000;
const MAX_REMEMBERED = 20_000;

export interface Delivered {
  /** That a signal of this call or of another brought for what a firing alert opens; null where none is known. */
  remediationId: string | null;
}

export interface DeliverOptions {
  /** The record says that it was never delivered, whatever this process remembers (the outbox). */
  afresh?: boolean;
  /** Asked when its turn comes: what queued up behind a call that found Temporal away need not find it out again. */
  throwIfStopped?: () => void;
}

export interface DeliveryDependencies {
  remediations: Remediations;
  metrics: StarterMetrics;
  newId: () => string;
  /** Milliseconds, for the memory of what was just delivered. */
  now: () => number;
  /** Calls to Temporal at once. */
  concurrency: number;
  tracer: Tracer | null;
  faultPoint?: FaultHook | undefined;
}

export class Delivery {
  private readonly deps: DeliveryDependencies;
  private readonly gate: Gate;
  private readonly flying = new Map<string, Promise<Delivered>>();
  private readonly remembered = new Map<string, number>();

  constructor(deps: DeliveryDependencies) {
    this.deps = deps;
    this.gate = new Gate(deps.concurrency);
  }

  async deliver(route: Deliverable, options: DeliverOptions = {}): Promise<Delivered> {
    const fault = faultKey(route.alert);
    const key = `${route.alert.status}:${fault}`;
    if (options.afresh !== true && this.remembers(key)) return { remediationId: null };
    const flight = this.flying.get(key);
    if (flight !== undefined) return flight;
    const send = this.afterFiring(fault, route, options).finally(() => this.flying.delete(key));
    this.flying.set(key, send);
    const delivered = await send;
    this.remember(key);
    return delivered;
  }

  private async afterFiring(fault: string, route: Deliverable, options: DeliverOptions): Promise<Delivered> {
    if (route.alert.status === "resolved") await this.flying.get(`firing:${fault}`)?.catch(() => undefined);
    return this.gate.through(() => {
      options.throwIfStopped?.();
      return this.send(route);
    });
  }

  private async send(route: Deliverable): Promise<Delivered> {
    const { remediations, metrics, newId } = this.deps;
    const { target, runbook, group, severity, joinKey, alert } = route;
    const remediationId = newId();
    const message: AlertMessage = { alert, remediationId, joinKey };
    const signal = alert.status;
    this.deps.faultPoint?.("ingest.received", workflowId(target));
    try {
      if (signal === "resolved") {
        const told = await remediations.resolve(target, message);
        metrics.signals.inc({ signal, result: told });
        return { remediationId: null };
      }
      const start = { target, message, runbook, group, severity };
      await inRemediation(remediationId, this.deps.tracer, spanOf(start), () => remediations.start(start));
      metrics.signals.inc({ signal, result: "told" });
      this.deps.faultPoint?.("ingest.signalled", workflowId(target));
      return { remediationId };
    } catch (error) {
      metrics.signals.inc({ signal, result: "failed" });
      throw error;
    }
  }

  private remembers(key: string): boolean {
    const until = this.remembered.get(key);
    return until !== undefined && until > this.deps.now();
  }

  private remember(key: string): void {
    this.remembered.delete(key);
    this.remembered.set(key, this.deps.now() + REMEMBER_MS);
    // Insertion order is age: what is over or too much goes first.
    for (const [oldest, until] of this.remembered) {
      if (until > this.deps.now() && this.remembered.size <= MAX_REMEMBERED) break;
      this.remembered.delete(oldest);
    }
  }
}

/** From the arrival of the body that brought it. */
function spanOf({ target, message, runbook }: StartRequest): SpanStart {
  const { alert, remediationId } = message;
  const attributes = {
    "selfheal.remediation.id": remediationId,
    "selfheal.target": `${target.kind}/${target.id}`,
    "selfheal.runbook": runbook,
    "selfheal.alert": alert.labels["alertname"],
    "selfheal.fault": faultKey(alert),
  };
  return { name: `webhook ${alert.source}`, kind: "server", startMs: Date.parse(alert.receivedAt), attributes };
}
