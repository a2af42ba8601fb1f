/**
 * Live change for any number of clients from one poll of the record (ADR 56). Every entry of every audit chain comes at
 * least once and in order; two that were written in the same moment may come in either. A transaction that commits
 * OVERLAP_MS after it wrote its entry comes too late for who is listening, and shows in a list.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Change, FeedPlace } from "../record/api-http.ts";
import type { RecordStore } from "../record/api.ts";
import { throughRecord, Unavailable } from "./problems.ts";

export interface ChangeFeedOptions {
  record: Pick<RecordStore, "changes" | "now">;
  log: Logger;
  /** From one look to the next; default 500. */
  everyMs?: number;
  /** Default 200. */
  maxClients?: number;
}

export interface Subscriber {
  take(change: Change): void;
  /** The feed is closed: nothing will come any more. */
  end(): void;
}

const OVERLAP_MS = 5_000;
const PAGE = 500;
/** What a client that comes back may have missed; who missed more lists afresh. */
const MOST_MISSED = 5_000;

export class ChangeFeed {
  readonly #options: Required<ChangeFeedOptions>;
  readonly #subscribers = new Set<Subscriber>();
  /** What was given out and may be read again, by its id, with its time. */
  readonly #seen = new Map<string, number>();
  #newestMs = 0;
  /** Resolves once the feed knows from where on it is listened to; null: nobody listens. */
  #listening: Promise<void> | null = null;
  readonly #stop = new AbortController();

  constructor(options: ChangeFeedOptions) {
    this.#options = { everyMs: 500, maxClients: 200, ...options };
  }

  /**
   * Answers what came after `since` (null: nothing is missed), for the subscriber to take before anything else; null:
   * that is too much, and it must list afresh. What comes meanwhile may be in both.
   * @throws Unavailable when there are too many subscribers, the feed is closed, or the record is away.
   */
  async subscribe(subscriber: Subscriber, since: FeedPlace | null): Promise<Change[] | null> {
    const { maxClients, record } = this.#options;
    if (this.#stop.signal.aborted) throw new Unavailable("capacity", "this process is stopping");
    if (this.#subscribers.size >= maxClients) {
      throw new Unavailable("capacity", `${maxClients} clients are listening to changes already`);
    }
    this.#subscribers.add(subscriber);
    try {
      this.#listening ??= this.#begin();
      await this.#listening;
      return since === null ? [] : await throughRecord("read the changes", () => missed(record, since));
    } catch (error) {
      this.leave(subscriber);
      throw error;
    }
  }

  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  close(): void {
    this.#stop.abort();
    for (const subscriber of this.#subscribers) subscriber.end();
    this.#subscribers.clear();
  }

  async #begin(): Promise<void> {
    try {
      this.#newestMs = Date.parse(await throughRecord("read the time", () => this.#options.record.now()));
      this.#seen.clear();
      // What was written just before is nobody's news.
      for (const change of await throughRecord("read the changes", () => this.#read())) this.#remember(change);
    } catch (error) {
      this.#listening = null;
      throw error;
    }
    void this.#listen();
  }

  /** While anybody listens. */
  async #listen(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await sleep(this.#options.everyMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (this.#subscribers.size === 0 || signal.aborted) break;
      await this.#look();
    }
    this.#listening = null;
  }

  async #look(): Promise<void> {
    try {
      for (const change of await this.#read()) {
        if (this.#seen.has(idOf(change))) continue;
        this.#remember(change);
        for (const subscriber of this.#subscribers) subscriber.take(change);
      }
      for (const [id, at] of this.#seen) if (at < this.#newestMs - OVERLAP_MS) this.#seen.delete(id);
    } catch (error) {
      this.#options.log.warn({ err: error }, "the changes could not be read; the next look tries again");
    }
  }

  #remember(change: Change): void {
    const at = Date.parse(change.at);
    this.#seen.set(idOf(change), at);
    this.#newestMs = Math.max(this.#newestMs, at);
  }

  async #read(): Promise<Change[]> {
    return pages(this.#options.record, startOf(this.#newestMs), Infinity);
  }
}

/** Its name in the stream, and the place that a client goes on behind. */
export function idOf({ at, remediationId, seq }: FeedPlace): string {
  return Buffer.from(JSON.stringify([at, remediationId, seq])).toString("base64url");
}

/** null: it is none of ours. */
export function placeOf(id: string): FeedPlace | null {
  try {
    const [at, remediationId, seq] = JSON.parse(Buffer.from(id, "base64url").toString()) as [string, string, number];
    const right = new Date(at).toISOString() === at && typeof remediationId === "string" && Number.isSafeInteger(seq);
    return right ? { at, remediationId, seq } : null;
  } catch {
    return null;
  }
}

function startOf(ms: number): FeedPlace {
  return { at: new Date(ms - OVERLAP_MS).toISOString(), remediationId: "", seq: 0 };
}

async function missed(record: ChangeFeedOptions["record"], since: FeedPlace): Promise<Change[] | null> {
  const found = await pages(record, startOf(Date.parse(since.at)), MOST_MISSED + 1);
  if (found.length > MOST_MISSED) return null;
  return found.filter((change) => idOf(change) !== idOf(since));
}

async function pages(record: ChangeFeedOptions["record"], from: FeedPlace, most: number): Promise<Change[]> {
  const found: Change[] = [];
  for (let after = from; ;) {
    const page = await record.changes(after, PAGE);
    found.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE || found.length >= most) return found;
    after = last;
  }
}
