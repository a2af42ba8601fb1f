/** What people and watchers put on the desk of the main loop. Handlers push here and return (design §3 law 1). */
import type { Word } from "../contracts/ballot.ts";
import type {
  CancelMessage,
  DecisionMessage,
  HintMessage,
  PersonMessage,
  RecoverMessage,
} from "../contracts/messages.ts";
import { isClean } from "../contracts/text.ts";
import { clip } from "./person.ts";
import { Takeover } from "./takeover.ts";

export interface PendingDecision extends DecisionMessage {
  decision: Word;
  via: "signal" | "update";
}
export interface Stop {
  by: string;
  /** One sentence: `cancelled by ada: wrong host`. */
  because: string;
}

const MAX_DECISIONS = 50;
const MAX_RECOVERIES = 10;
/** An episode waits for few things at once. */
const MAX_HINTS = 1_000;

export class Desk {
  private decisions: PendingDecision[] = [];
  private readonly hints = new Set<string>();
  /** By remediation. Kept from episode to episode: they are about none of them. */
  private readonly recoveries = new Map<string, RecoverMessage>();
  /** Set once: somebody wants this episode to end at its next safe point. */
  stop: Stop | null = null;
  readonly takeover = new Takeover();

  decide(decision: Word, message: DecisionMessage, via: PendingDecision["via"]): void {
    if (this.decisions.length < MAX_DECISIONS) this.decisions.push({ ...message, decision, via });
  }

  cancel(message: CancelMessage): void {
    this.stopBy("cancelled", message);
  }

  /** As `cancel`, by the person who holds it. */
  end(message: PersonMessage): void {
    this.stopBy("ended", message);
  }

  private stopBy(verb: "cancelled" | "ended", { by, reason = "" }: PersonMessage): void {
    this.stop ??= { by: clip(by), because: `${verb} by ${clip(by)}: ${clip(reason)}` };
  }

  /** Whatever came: a hint that is none is left out. */
  hint(message: unknown): void {
    const { about } = (message ?? {}) as Partial<Record<keyof HintMessage, unknown>>;
    if (typeof about === "string" && this.hints.size < MAX_HINTS) this.hints.add(clip(about));
  }

  /** A person's word is not taken back by the sweeper's asking again. */
  recover({ remediationId, by }: RecoverMessage): void {
    const known = this.recoveries.get(remediationId);
    if (known === undefined && this.recoveries.size >= MAX_RECOVERIES) return;
    const word = by ?? known?.by;
    this.recoveries.set(remediationId, { remediationId, ...(word === undefined ? {} : { by: clip(word) }) });
  }

  hasRecovery(): boolean {
    return this.recoveries.size > 0;
  }

  takeRecovery(): RecoverMessage | null {
    for (const [remediationId, message] of this.recoveries) {
      this.recoveries.delete(remediationId);
      return message;
    }
    return null;
  }

  hasDecision(): boolean {
    return this.decisions.length > 0;
  }

  takeDecision(): PendingDecision | null {
    return this.decisions.shift() ?? null;
  }

  hasHint(about: string): boolean {
    return this.hints.has(about);
  }

  /** True once for each hint. */
  takeHint(about: string): boolean {
    return this.hints.delete(about);
  }

  /** For the next episode: what was said about the last one does not count for it. */
  clear(): void {
    this.decisions = [];
    this.hints.clear();
    this.stop = null;
    this.takeover.clear();
  }
}

/** Pushed from anywhere: what is not the shape of it is left out. */
export function isRecovery(message: unknown): message is RecoverMessage {
  if (typeof message !== "object" || message === null) return false;
  const { remediationId, by } = message as Record<string, unknown>;
  const isName = (name: unknown): boolean => typeof name === "string" && name !== "" && isClean(name);
  return isName(remediationId) && (by === undefined || isName(by));
}
