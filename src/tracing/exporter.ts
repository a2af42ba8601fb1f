/**
 * Sends spans in batches, from memory: tracing must never hold up or fail what it looks at. What a collector that is away
 * does not take is kept up to a bound, then lost and counted; the log says it once, and once that it is over.
 */
import type { Logger } from "pino";
import { messageOf } from "../config/user-error.ts";
import type { Outside } from "../ports/ports.ts";
import type { EndedSpan, Tracer } from "../ports/trace.ts";
import { exportRequest, type Origin } from "./otlp.ts";
import type { TraceSettings } from "./settings.ts";

export interface ExporterOptions extends TraceSettings {
  origin: Origin;
  fetch: Outside["fetch"];
  log: Logger;
  /** Milliseconds between two posts; default 2,000. */
  everyMs?: number;
}

export interface Exporter extends Tracer {
  /** Posts what is left, for 10 s at most. */
  close(): Promise<void>;
}

const EVERY_MS = 2_000;
const BATCH = 512;
/** Some 2 MB. */
const MOST_KEPT = 4_096;
const POST_TIMEOUT_MS = 5_000;
/** The collector asks to be asked again; any other refusal is final (OTLP/HTTP, "Retryable Response Codes"). */
const AGAIN: readonly number[] = [429, 502, 503, 504];

export function startExporter(options: ExporterOptions): Exporter {
  const exporter = new BatchExporter(options);
  const timer = setInterval(() => void exporter.flush(), options.everyMs ?? EVERY_MS);
  timer.unref();
  return {
    now: () => performance.timeOrigin + performance.now(),
    end: (span) => exporter.take(span),
    close: async () => {
      clearInterval(timer);
      // The first may be one that was under way; the second takes what came since.
      await exporter.flush();
      await exporter.flush();
    },
  };
}

class BatchExporter {
  readonly #options: ExporterOptions;
  #waiting: EndedSpan[] = [];
  #lost = 0;
  #failing = false;
  #flushing: Promise<void> | null = null;

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  take(span: EndedSpan): void {
    if (this.#waiting.length < MOST_KEPT) this.#waiting.push(span);
    else this.#lost += 1;
    if (this.#waiting.length === BATCH) void this.flush();
  }

  /** Never rejects. One at a time: who comes meanwhile waits for that one. */
  flush(): Promise<void> {
    this.#flushing ??= this.#sendAll().finally(() => (this.#flushing = null));
    return this.#flushing;
  }

  async #sendAll(): Promise<void> {
    const signal = AbortSignal.timeout(POST_TIMEOUT_MS);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      const refused = await this.#post(batch, signal);
      if (refused?.again !== true) this.#waiting.splice(0, batch.length);
      this.#say(refused, batch.length);
      if (refused !== null) return;
    }
  }

  /** Null: taken. */
  async #post(batch: EndedSpan[], signal: AbortSignal): Promise<{ why: string; again: boolean } | null> {
    const { url, headers, origin, fetch } = this.#options;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(exportRequest(batch, origin)),
        // It would carry the headers elsewhere.
        redirect: "manual",
        signal,
      });
      await response.body?.cancel();
      if (response.ok) return null;
      return { why: `it answered ${response.status}`, again: AGAIN.includes(response.status) };
    } catch (error) {
      return { why: messageOf(error), again: true };
    }
  }

  #say(refused: { why: string; again: boolean } | null, size: number): void {
    const { log, url } = this.#options;
    if (refused === null) {
      if (this.#failing) log.info({ url, lost: this.#lost }, "spans are taken again");
      this.#failing = false;
      this.#lost = 0;
      return;
    }
    if (!refused.again) this.#lost += size;
    if (this.#failing) return;
    this.#failing = true;
    const kept = refused.again ? `up to ${MOST_KEPT} are kept` : "they are lost";
    log.warn({ url, why: refused.why }, `spans are not taken: ${kept}`);
  }
}
