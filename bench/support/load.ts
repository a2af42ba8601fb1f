/** Load from outside: bodies of alerts over keep-alive connections, in an open or in a closed loop. */
import { Agent, request, type RequestOptions } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface Answer {
  status: number;
  body: string;
}

/** One for each stream of load; `close` it. */
export class Poster {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #url: URL;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** Rejects unless the answer is 200. */
  post(body: string): Promise<Answer> {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    return this.#send(this.#url, { method: "POST", headers }, body);
  }

  /** Of this path on the same server. */
  get(path: string): Promise<Answer> {
    return this.#send(new URL(path, this.#url), { method: "GET" }, "");
  }

  #send(url: URL, options: RequestOptions, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sending = request(url, { ...options, agent: this.#agent }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          if (status === 200) resolve({ status, body: text });
          else reject(new Error(`${url.href} answered ${status}: ${text.slice(0, 300)}`));
        });
      });
      sending.on("error", reject);
      sending.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

export interface Arrival {
  /** When it was due, ms since the epoch: latency counts from here, however late the load itself was. */
  dueAt: number;
  doneAt: number;
}

/**
 * Open loop: `send` is called `rate` times a second whether or not the ones before have ended, so a slow answer does
 * not thin the load that would have shown it (no coordinated omission). Rejects when one of them does.
 */
export async function openLoop(
  count: number,
  rate: number,
  send: (index: number) => Promise<unknown>,
): Promise<Arrival[]> {
  const startedAt = Date.now();
  const sent: Promise<Arrival>[] = [];
  while (sent.length < count) {
    const dueAt = startedAt + (sent.length * 1000) / rate;
    const wait = dueAt - Date.now();
    if (wait > 0) await sleep(wait);
    const arrival = send(sent.length).then(() => ({ dueAt, doneAt: Date.now() }));
    // Its failure is looked at below, when all are on their way.
    arrival.catch(() => undefined);
    sent.push(arrival);
  }
  return Promise.all(sent);
}

/** Closed loop: `connections` at once, each sends the next when its last was answered. Answers each one's ms. */
export async function closedLoop(
  forMs: number,
  connections: number,
  send: (index: number) => Promise<unknown>,
): Promise<{ ms: number[]; elapsedMs: number }> {
  const startedAt = performance.now();
  const ms: number[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    while (performance.now() - startedAt < forMs) {
      const sentAt = performance.now();
      await send(next++);
      ms.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  return { ms, elapsedMs: performance.now() - startedAt };
}

/** Of all items, `width` at once, in order. */
export async function mapLimit<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const one = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, one));
  return results;
}

/** Asks until it holds, every `everyMs`. Rejects after `withinMs` with what was waited for. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  { withinMs, everyMs = 100 }: { withinMs: number; everyMs?: number },
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await sleep(everyMs);
  }
}
