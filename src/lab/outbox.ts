/** Webhooks that the lab's systems send. Failures are retried a few times as Alertmanager does it: 5xx yes, 4xx no. */
import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "./world.ts";

const RETRY_MS = 500;
const ATTEMPTS = 10;

export class Outbox {
  readonly #world: World;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #stopped = new AbortController();

  constructor(world: World) {
    this.#world = world;
  }

  /** Resolves to whether it was answered with 2xx, now or after some tries. */
  post(from: string, url: string, body: unknown, headers: Record<string, string> = {}): Promise<boolean> {
    const sending = this.#send(from, url, JSON.stringify(body), headers).finally(() => this.#pending.delete(sending));
    this.#pending.add(sending);
    return sending;
  }

  get stopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Resolves when nothing is on its way any more. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.idle();
  }

  async #send(from: string, url: string, body: string, headers: Record<string, string>): Promise<boolean> {
    for (let attempt = 1; attempt <= ATTEMPTS && !this.#stopped.signal.aborted; attempt++) {
      const status = await this.#attempt(url, body, headers);
      if (status !== null && status < 500) {
        if (status >= 300) this.#world.note({ system: from, what: "webhook-refused", detail: `${url}: ${status}` });
        return status < 300;
      }
      await sleep(RETRY_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
    if (!this.#stopped.signal.aborted) this.#world.note({ system: from, what: "webhook-failed", detail: url });
    return false;
  }

  async #attempt(url: string, body: string, headers: Record<string, string>): Promise<number | null> {
    try {
      const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(10_000)]);
      const response = await fetch(url, {
        method: "POST",
        body,
        signal,
        headers: { "content-type": "application/json", ...headers },
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return null;
    }
  }
}
