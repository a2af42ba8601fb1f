/**
 * The one way out of this process to a vendor: time-out, bulkhead, circuit breaker, redaction, failure class.
 * Everything that leaves an adapter as an error is made here.
 */
import { bulkhead, BulkheadRejectedError, type BulkheadPolicy } from "cockatiel";
import type { FailureClass } from "../contracts/failures.ts";
import { AdapterError } from "../ports/failure.ts";
import type { Outside } from "../ports/ports.ts";
import { redact, type Secret } from "../ports/secret.ts";
import { inSpan, type Note } from "../ports/trace.ts";
import { Breaker } from "./breaker.ts";
import { describeError, neverLeft } from "./network.ts";

/** A read may be repeated; a write whose answer is lost may have happened. */
export type CallKind = "read" | "write";

export interface GuardOptions {
  /** The vendor's name in messages. */
  system: string;
  clock: Outside["clock"];
  /** Never shown in an error. */
  secrets?: readonly Secret[];
  /** For the whole call, waiting in the bulkhead included. Default 10,000; below the 30 s of an apply. */
  timeoutMs?: number;
  /** Calls at once to this system. Default 8. */
  concurrent?: number;
  /** Calls that may wait for a place. Default 64. */
  queued?: number;
  /** Failures in a row that open the breaker. Default 5. */
  breakAfter?: number;
  /** How long it stays open. Default 10,000. */
  breakMs?: number;
}

export interface Attempt {
  signal: AbortSignal;
  /** To be called just before the first byte may leave: from then on a lost answer of a write is ambiguous. */
  sending: () => void;
  /** Adds to the call's span: neither an address nor anything of a body, where secrets may be. */
  note: Note;
}

/** Of one channel to people: several that hang must fit into the 30 s of telling them (workflows/proxies.ts). */
export const CHANNEL_TIMEOUT_MS = 4_000;

const LONGEST_MESSAGE = 400;

export class Guarded {
  readonly system: string;
  readonly clock: Outside["clock"];
  readonly timeoutMs: number;
  readonly #secrets: readonly Secret[];
  readonly #bulkhead: BulkheadPolicy;
  readonly #breaker: Breaker;

  constructor(options: GuardOptions) {
    this.system = options.system;
    this.clock = options.clock;
    this.timeoutMs = options.timeoutMs ?? 10_000;
    this.#secrets = options.secrets ?? [];
    this.#bulkhead = bulkhead(options.concurrent ?? 8, options.queued ?? 64);
    this.#breaker = new Breaker(options.clock, options.breakAfter ?? 5, options.breakMs ?? 10_000);
  }

  /** An error as it may leave the adapter: redacted, clipped, with its class. */
  fail(failure: FailureClass, operation: string, message: string, retryAfterMs?: number): AdapterError {
    const text = this.redact(message).slice(0, LONGEST_MESSAGE);
    return new AdapterError(failure, { system: this.system, operation, retryAfterMs }, text);
  }

  /** Without the secrets. To be called before a text is cut: no error must show the beginning of one. */
  redact(text: string): string {
    return redact(text, this.#secrets);
  }

  /** Runs one call, as a span where a remediation is traced. Rejects only with an AdapterError. */
  run<T>(operation: string, kind: CallKind, work: (attempt: Attempt) => Promise<T>): Promise<T> {
    const { system } = this;
    const attributes = { "peer.service": system, "selfheal.operation": operation, "selfheal.call": kind };
    const start = { name: `${system} ${operation}`, kind: "client", attributes } as const;
    return inSpan(start, (note) => this.#run(operation, kind, (attempt) => work({ ...attempt, note })));
  }

  async #run<T>(operation: string, kind: CallKind, work: (attempt: Omit<Attempt, "note">) => Promise<T>): Promise<T> {
    const openMs = this.#breaker.enter();
    if (openMs !== null) {
      throw this.fail(
        "transient",
        operation,
        `not asked: it failed too often in a row; next try in ${openMs} ms`,
        openMs,
      );
    }
    let begun = false;
    let sent = false;
    const sending = (): void => {
      sent = true;
    };
    try {
      const answer = await this.#timed((signal, expired) =>
        this.#bulkhead.execute(() => {
          begun = true;
          // Raced in here too, so that work which does not heed the signal gives its place back.
          return Promise.race([work({ signal, sending }), expired]);
        }, signal),
      );
      this.#breaker.leave("fine");
      return answer;
    } catch (error) {
      const failure = this.#classify(error, operation, kind, sent);
      this.#breaker.leave(!begun ? "untried" : isOutage(failure) ? "outage" : "fine");
      throw failure;
    }
  }

  async #timed<T>(work: (signal: AbortSignal, expired: Promise<never>) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const cancel = startTimer(this.clock, this.timeoutMs, () => {
      const timeout = new DOMException(`no answer within ${this.timeoutMs} ms`, "TimeoutError");
      reject(timeout);
      controller.abort(timeout);
    });
    try {
      return await Promise.race([work(controller.signal, expired), expired]);
    } finally {
      cancel();
    }
  }

  #classify(error: unknown, operation: string, kind: CallKind, sent: boolean): AdapterError {
    if (error instanceof AdapterError) return error;
    if (error instanceof BulkheadRejectedError) {
      return this.fail("transient", operation, "not asked: too many calls to it are under way", 1_000);
    }
    const text = describeError(error);
    if (kind === "read") return this.fail("transient", operation, text);
    if (!sent || neverLeft(error)) return this.fail("transient", operation, `${text}; the request was not sent`);
    return this.fail("ambiguous", operation, `${text}; the request may have taken effect`);
  }
}

/** A system that answers, even with a refusal or «later», is not out. */
function isOutage(failure: AdapterError): boolean {
  return failure.failure !== "permanent" && failure.retryAfterMs === undefined;
}

/** `clock.after` where the outside has a time of its own (the simulated lab), else the process's timers. */
export function startTimer(clock: Outside["clock"], ms: number, fire: () => void): () => void {
  if (clock.after) return clock.after(ms, fire);
  const timer = setTimeout(fire, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
