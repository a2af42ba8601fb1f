/** What people and watchers put on the desk of the main loop. Handlers push here and return (design §3 law 1). */
import type { CancelMessage, DecisionMessage, HintMessage, PersonMessage } from "../contracts/messages.ts";
import { clip } from "./person.ts";
import { Takeover } from "./takeover.ts";

export interface PendingDecision extends DecisionMessage {
  decision: "approve" | "reject";
  via: "signal" | "update";
}
export interface Stop {
  by: string;
  /** One sentence: `cancelled by ada: wrong host`. */
  because: string;
}

const MAX_DECISIONS = 50;

export class Desk {
  private decisions: PendingDecision[] = [];
  private readonly hints = new Set<string>();
  /** Set once: somebody wants this episode to end at its next safe point. */
  stop: Stop | null = null;
  readonly takeover = new Takeover();

  decide(decision: "approve" | "reject", message: DecisionMessage, via: PendingDecision["via"]): void {
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

  hint(message: HintMessage): void {
    this.hints.add(clip(message.about));
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
