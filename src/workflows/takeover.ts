/**
 * Who holds the episode, and which commands go on (ADR 31). Pure and synchronous: handlers push what people said, the
 * freeze points (`held.ts`) take it, verify it and carry it out.
 */
import type { CommandMessage } from "../contracts/messages.ts";
import type { EffectDirection } from "../contracts/ids.ts";
import type { JsonObject } from "../contracts/json.ts";
import { isJsonObject } from "../contracts/json.ts";
import type { PlanStep } from "../contracts/plan.ts";
import { spelled, type Command, type RemediationView } from "../contracts/remediation.ts";
import { clip, faultOfMeant, faultOfPerson } from "./person.ts";

export interface PendingCommand extends CommandMessage {
  command: Command;
  via: "signal" | "update";
  /** ISO; when it came. */
  cameAt: string;
}

export interface Holder {
  by: string;
  /** ISO. */
  since: string;
  reason: string;
}

/** Where an episode may stand still, and what goes on from there. */
export interface FreezePoint {
  /** `replace/dc`, `replace/dc/undo`, or the phase. */
  at: string;
  /** What is to begin here; without it, what the episode did last is about this place. */
  about?: string | undefined;
  offers: readonly Exclude<Command, "take">[];
  /** What `skip` and `markDone` are about. */
  effect: FrozenEffect | null;
  /** Why a command that is offered does not go on all the same, or null. */
  fault?: (command: Command, result: JsonObject) => string | null;
}
export interface FrozenEffect {
  rung: string;
  step: PlanStep;
  /** The step's id in the effect's key: `drain@25` of a ramp. */
  stepKey: string;
  direction: EffectDirection;
  input: JsonObject;
}

const MAX_PENDING = 50;
const MAX_RESULT_LENGTH = 4_096;

export class Takeover {
  private pending: PendingCommand[] = [];
  private over = false;
  holder: Holder | null = null;
  /** Where it stands still now; null while it moves. */
  stands: FreezePoint | null = null;

  push(pending: PendingCommand): void {
    const reason = clip(pending.reason ?? "");
    this.pending.push({ ...pending, by: clip(pending.by), reason });
  }

  next(): PendingCommand | null {
    return this.pending.shift() ?? null;
  }

  /** What was accepted and not carried out yet, oldest first. */
  waiting(): readonly PendingCommand[] {
    return this.pending;
  }

  /** Somebody holds it, or asks to: every freeze point stands still and every wait ends. */
  claimed(): boolean {
    return this.holder !== null || this.pending.some(({ command }) => command === "take");
  }

  full(): boolean {
    return this.pending.length >= MAX_PENDING;
  }

  /** The last freeze point is passed: nothing can be taken over any more. */
  shut(): void {
    this.over = true;
  }

  isShut(): boolean {
    return this.over;
  }

  /** For the next episode. */
  clear(): void {
    this.pending = [];
    this.over = false;
    this.holder = null;
    this.stands = null;
  }
}

/** Says why a command is not taken, in a sentence for the person who sent it; null: it is. */
export function faultOfCommand(
  takeover: Takeover,
  view: RemediationView,
  command: Command,
  message: CommandMessage,
): string | null {
  const { id } = view.target;
  const shape = faultOfShape(message);
  if (shape !== null) return shape;
  if (view.outcome !== null) return `${id} is closed already: ${view.outcome}`;
  const meant = faultOfMeant(view, message.remediationId);
  if (meant !== null) return meant;
  if (view.phase === "recover") return `${id} is on its way to its safe state already`;
  if (takeover.isShut()) return `${id} is being closed (${view.doing}): nothing is left to take over`;
  // Before it is in the record there is nothing that anybody could hold.
  if (view.phase === "open" || view.remediationId === "") return `${id} is only being opened: try again in a moment`;
  if (takeover.full()) return `${id} has too many commands waiting: try again in a moment`;
  return command === "take" ? faultOfTake(takeover, id, message.by) : faultOfOther(takeover, view, command, message);
}

function faultOfTake({ holder }: Takeover, id: string, by: string): string | null {
  return holder?.by === by ? `${by} holds ${id} already, since ${holder.since}` : null;
}

function faultOfOther(
  takeover: Takeover,
  view: RemediationView,
  command: Exclude<Command, "take">,
  { by, at, result = {} }: CommandMessage,
): string | null {
  const { id } = view.target;
  const { holder, stands } = takeover;
  const [first] = takeover.waiting();
  if (holder === null && first?.by === by)
    return `${id} does not stand still yet: the take of ${by} holds after the current call`;
  if (holder === null) return `${id} is held by nobody; take it over first`;
  if (holder.by !== by) return `${id} is held by ${holder.by} since ${holder.since}; take it over first`;
  if (first !== undefined) return `${id}: ${spelled(first.command)} by ${first.by} is being carried out; wait for it`;
  if (stands === null) return `${id} does not stand still now: it holds again after the current call`;
  if (at !== undefined && at !== stands.at) return `at: got ${clip(at)}, but ${id} stands at ${stands.at} by now`;
  return faultAtPoint(stands, view, command, result);
}

/** Looked at again when the command is carried out: another may have come before it. */
export function faultAtPoint(
  point: FreezePoint,
  view: RemediationView,
  command: Exclude<Command, "take">,
  result: JsonObject,
): string | null {
  if (point.offers.includes(command)) return point.fault?.(command, result) ?? null;
  const offers = point.offers.map(spelled).join(", ");
  return `nothing to ${spelled(command)} at ${point.at} in phase ${view.phase}; commands now: ${offers}`;
}

function faultOfShape(message: unknown): string | null {
  const fault = faultOfPerson(message);
  if (fault !== null) return fault;
  const { at, result } = message as Record<string, unknown>;
  if (at !== undefined && typeof at !== "string") return "at: expected where it stood when you looked, like replace/dc";
  if (result === undefined) return null;
  if (!isJsonObject(result as never)) return 'result: expected an object like {"ticketId":"42"}';
  const { length } = JSON.stringify(result);
  return length > MAX_RESULT_LENGTH ? `result: got ${length} characters of JSON; at most ${MAX_RESULT_LENGTH}` : null;
}
