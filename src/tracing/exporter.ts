/**
 * Sends spans in batches, from memory: tracing must never hold up or fail what it looks at. What a collector that is away
 * does not take is kept up to a bound, then lost and counted; the log says it once, and once that it is over.
 */
import type { Logger } from "pino";
import { messageOf } from "../config/user-error.ts";
import type { Outside } from "../ports/ports.ts";
import type { EndedSpan, Tracer } from "../ports/trace.ts";
import type { SpanCounter } from "./metrics.ts";
import { exportRequest, rejectedIn, type Origin } from "./otlp.ts";
import type { TraceSettings } from "./settings.ts";

export interface ExporterOptions extends TraceSettings {
  origin: Origin;
  fetch: Outside["fetch"];
  log: Logger;
  counter: SpanCounter;
  /** Milliseconds between two posts; default 1,000. */
  everyMs?: number;
  /** How long `close` may take; default 2,000 ms. */
  closeMs?: number;
}

export interface Exporter extends Tracer {
  /** Posts what is left, within `closeMs`; what nobody takes by then is lost. */
  close(): Promise<void>;
}

const BATCH = 512;
/** Some 2 MB. */
const MOST_KEPT = 4_096;
const POST_TIMEOUT_MS = 5_000;
/** The collector asks to be asked again; any other refusal is final (OTLP/HTTP, "Retryable Response Codes"). */
const AGAIN: readonly number[] = [429, 502, 503, 504];

export function startExporter(options: ExporterOptions): Exporter {
  const exporter = new BatchExporter(options);
  // Nothing but this timer sends: a span that ends must neither wait nor lend its own log fields to what is said below.
  const timer = setInterval(() => void exporter.flush(), options.everyMs ?? 1_000);
  timer.unref();
  return {
    now: () => performance.timeOrigin + performance.now(),
    end: (span) => exporter.take(span),
    close: () => {
      clearInterval(timer);
      return exporter.close(options.closeMs ?? 2_000);
    },
  };
}

/** What a collector did not take. */
interface Refusal {
  why: string;
  /** It may take them later. */
  again: boolean;
  spans: number;
}

class BatchExporter {
  readonly #options: ExporterOptions;
  readonly #end = new AbortController();
  #waiting: EndedSpan[] = [];
  /** Since the trouble began. */
  #lost = 0;
  #failing = false;
  #flushing: Promise<void> | null = null;

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  take(span: EndedSpan): void {
    if (this.#waiting.length < MOST_KEPT) this.#waiting.push(span);
    else this.#lose(1);
  }

  /** Never rejects. One at a time: who comes meanwhile waits for that one. */
  flush(): Promise<void> {
    this.#flushing ??= this.#sendAll().finally(() => (this.#flushing = null));
    return this.#flushing;
  }

  async close(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.#end.abort(new Error("the process ends")), withinMs);
    // The first may be one that was under way; the second takes what came since.
    await this.flush();
    await this.flush();
    clearTimeout(timer);
    const left = this.#waiting.splice(0).length;
    if (left === 0) return;
    this.#lose(left);
    this.#options.log.warn({ url: this.#options.url, lost: this.#lost }, "spans are lost: nobody took them in time");
  }

  async #sendAll(): Promise<void> {
    const signal = AbortSignal.any([AbortSignal.timeout(POST_TIMEOUT_MS), this.#end.signal]);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      const refused = await this.#post(batch, signal);
      if (refused?.again === true) {
        this.#sayTrouble(refused);
        return;
      }
      this.#waiting.splice(0, batch.length);
      this.#options.counter.inc({ result: "sent" }, batch.length - (refused?.spans ?? 0));
      if (refused === null) this.#sayFine();
      else {
        this.#lose(refused.spans);
        this.#sayTrouble(refused);
      }
    }
  }

  /** Null: all of them were taken. */
  async #post(batch: EndedSpan[], signal: AbortSignal): Promise<Refusal | null> {
    const { url, headers, origin, fetch } = this.#options;
    const spans = batch.length;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(exportRequest(batch, origin)),
        // It would carry the headers elsewhere.
        redirect: "manual",
        signal,
      });
      const { status, ok } = response;
      if (ok) return rejectedOf(await response.text(), spans);
      await response.body?.cancel();
      return { why: `it answered ${status}`, again: AGAIN.includes(status), spans };
    } catch (error) {
      return { why: messageOf(error), again: true, spans };
    }
  }

  #lose(spans: number): void {
    this.#lost += spans;
    this.#options.counter.inc({ result: "lost" }, spans);
  }

  #sayFine(): void {
    const { log, url } = this.#options;
    if (this.#failing) log.info({ url, lost: this.#lost }, "spans are taken again");
    this.#failing = false;
    this.#lost = 0;
  }

  #sayTrouble({ why, again }: Refusal): void {
    const { log, url } = this.#options;
    if (this.#failing) return;
    this.#failing = true;
    log.warn({ url, why }, `spans are not taken: ${again ? `up to ${MOST_KEPT} are kept` : "they are lost"}`);
  }
}

/** A collector may take a part, and says so with a status of 200 ("Partial Success"). */
function rejectedOf(answer: string, sent: number): Refusal | null {
  const spans = Math.min(rejectedIn(answer), sent);
  return spans === 0 ? null : { why: `it rejected ${spans} of a batch`, again: false, spans };
}
