/**
 * Webhooks of ticket systems: they wake whoever waits for the ticket at once, instead of at the watcher's next look.
 * Nothing that the body says of the ticket is believed: the workflow reads it itself (design §3, "Waiting costs
 * nothing"), so that the worst that a forged one can do is a look too many.
 */
import type { Logger } from "pino";
import { z } from "zod";
import type { RecordStore, WaitRow } from "../record/api.ts";
import { throughRecord } from "./problems.ts";
import type { Remediations } from "./remediations.ts";
import { faultsOf, refusedBody } from "./sources/refusals.ts";

export interface TicketSystem {
  /** In the address, and in `sources` of selfheal.yaml. */
  name: string;
  summary: string;
  /** What of a body is read. */
  body: z.ZodType<TicketEvent, unknown>;
}
export interface TicketEvent {
  /** Ids by which the ticket may be waited for. */
  refs: string[];
}

const ref = z
  .union([z.string(), z.int()], { error: "the ticket's id" })
  .transform(String)
  .pipe(z.string().regex(/^[\w-]{1,100}$/, "1 to 100 letters, digits, _ and -"));

/** A Scrip's template says what is in the body: there is no shape of its own (docs/api.md). */
const requestTracker: TicketSystem = {
  name: "request-tracker",
  summary: 'Request Tracker, by a Scrip that sends {"ticket": ID}',
  body: z
    .looseObject({ ticket: ref }, { error: 'an object such as {"ticket": 42}' })
    .transform(({ ticket }) => ({ refs: [ticket] })),
};

const jira: TicketSystem = {
  name: "jira",
  summary: "Jira's webhook of an issue",
  body: z
    .looseObject(
      { issue: z.looseObject({ id: ref, key: ref }, { error: "an object with id and key" }) },
      { error: "an object with issue" },
    )
    .transform(({ issue }) => ({ refs: [issue.key, issue.id] })),
};

export const TICKET_SYSTEMS: readonly TicketSystem[] = [requestTracker, jira];

export interface TicketAnswer {
  tickets: string[];
  /** Remediations that were told to look. */
  woken: number;
}

/** A waiter is hinted at most this often by webhooks: hints grow its history, and the watcher looks anyway. */
const HINT_EVERY_MS = 5_000;

export class TicketEvents {
  readonly #record: Pick<RecordStore, "openWaits">;
  readonly #remediations: Pick<Remediations, "hint">;
  readonly #now: () => number;
  readonly #hinted = new Map<string, number>();

  constructor(
    deps: { record: Pick<RecordStore, "openWaits">; remediations: Pick<Remediations, "hint"> },
    now = Date.now,
  ) {
    this.#record = deps.record;
    this.#remediations = deps.remediations;
    this.#now = now;
  }

  /** @throws ProblemError when the body names no ticket, Unavailable when record or Temporal are away. */
  async take(system: TicketSystem, body: unknown, log: Logger): Promise<TicketAnswer> {
    const parsed = system.body.safeParse(body);
    if (!parsed.success) throw refusedBody(`Not a webhook body of ${system.name}`, faultsOf(parsed.error, body, []));
    const { refs } = parsed.data;
    const waits = await throughRecord("look who waits", () => this.#record.openWaits("tickets", refs));
    const due = waits.filter((wait) => this.#isDue(wait));
    const told = await Promise.all(due.map((wait) => this.#hint(wait)));
    for (const [index, { remediationId, ref: ticket }] of due.entries()) {
      log.info({ remediationId, system: system.name, ticket, told: told[index] }, "a ticket system woke a waiter");
    }
    return { tickets: refs, woken: told.filter((one) => one === "told").length };
  }

  async #hint({ workflowId, key }: WaitRow): Promise<"told" | "notRunning"> {
    try {
      return await this.#remediations.hint(workflowId, key);
    } catch (error) {
      this.#hinted.delete(key);
      throw error;
    }
  }

  #isDue({ key }: WaitRow): boolean {
    const now = this.#now();
    for (const [known, at] of this.#hinted) if (at + HINT_EVERY_MS <= now) this.#hinted.delete(known);
    if (this.#hinted.has(key)) return false;
    this.#hinted.set(key, now);
    return true;
  }
}
