/**
 * Freeze points: where a person's takeover makes an episode stand still (ADR 31). It freezes first and verifies the
 * person then; it stands without a timer, with its leases and its place in the queue, until its holder lets it go on.
 */
import { setHandler } from "@temporalio/workflow";
import { effectKey } from "../contracts/ids.ts";
import { assertNever, type JsonObject } from "../contracts/json.ts";
import { commandSignal, commandUpdate, type CommandMessage } from "../contracts/messages.ts";
import type { EffectRequest } from "../contracts/activities.ts";
import { COMMANDS, spelled, type Command, type RemediationView } from "../contracts/remediation.ts";
import type { Desk } from "./desk.ts";
import { showNotTaken, type Episode } from "./episode.ts";
import { record } from "./proxies.ts";
import { faultAtPoint, faultOfCommand, type FreezePoint, type PendingCommand } from "./takeover.ts";
import { waitUntil, wallTime } from "./wait.ts";

/** What ended the hold, or what the holder wants done now; after `retry`, `skip` and `markDone` he holds it still. */
export interface Word {
  command: Exclude<Command, "take">;
  /** `marked done by ada: swapped by hand`. */
  said: string;
  /** Of `markDone`. */
  result: JsonObject;
}

/** Before the first effect nothing can be skipped: released, all is confirmed and decided again (law 4). */
export function pointOfPhase(episode: Episode): FreezePoint {
  return { at: episode.view.phase, offers: ["release", "end"], effect: null };
}

/** Handlers only push; who it is, the freeze point verifies before it counts (laws 1 and 14). */
export function listenForCommands(desk: Desk, view: RemediationView): void {
  for (const command of COMMANDS) {
    const push = (message: CommandMessage, via: "signal" | "update"): void => {
      desk.takeover.push({ ...message, via, command, cameAt: wallTime() });
      if (command === "take") announce(desk, view);
    };
    setHandler(commandSignal(command), (message) => {
      const fault = faultOfCommand(desk.takeover, view, command, message);
      if (fault === null) push(message, "signal");
      else showNotTaken(view, spelled(command), fault);
    });
    setHandler(
      commandUpdate(command),
      (message) => {
        push(message, "update");
        return { accepted: true };
      },
      {
        validator: (message: CommandMessage) => {
          const fault = faultOfCommand(desk.takeover, view, command, message);
          if (fault !== null) throw new Error(fault);
        },
      },
    );
  }
}

/** Seen at once, also while a call is in flight. */
function announce({ takeover }: Desk, view: RemediationView): void {
  const first = takeover.waiting()[0];
  if (view.takeover !== null || first === undefined) return;
  const { by, cameAt: since, reason = "" } = first;
  view.takeover = { by, since, reason, state: "taking", at: view.step ?? view.phase, about: view.doing, commands: [] };
}

/**
 * Stands still here while somebody holds the episode. Answers what he wants done, or null when nobody holds it (or
 * whoever asked may not). A cancel ends the hold like `end`.
 */
export async function heldUntil(episode: Episode, point: FreezePoint): Promise<Word | null> {
  const { desk, view } = episode;
  const { takeover } = desk;
  if (!takeover.claimed()) return null;
  const since = Date.now();
  const { doing, waiting } = view;
  const about = point.about ?? doing;
  const stopBefore = desk.stop;
  try {
    while (takeover.claimed()) {
      const pending = takeover.next();
      if (pending !== null) {
        const word = await carryOut(episode, point, pending);
        if (word !== null) return word;
        continue;
      }
      if (desk.stop !== stopBefore) {
        takeover.holder = null;
        return { command: "end", said: desk.stop?.because ?? "", result: {} };
      }
      takeover.stands = point;
      await show(episode, point, about);
      await waitUntil(() => takeover.waiting().length > 0 || desk.stop !== stopBefore, null, "");
    }
    return null;
  } finally {
    takeover.stands = null;
    episode.wasHeld(Date.now() - since);
    const { holder } = takeover;
    view.takeover = holder === null ? null : { ...holder, state: "moving", at: point.at, about, commands: [] };
    episode.say(doing, waiting);
  }
}

/** Null: it still stands. */
async function carryOut(episode: Episode, point: FreezePoint, pending: PendingCommand): Promise<Word | null> {
  const { desk, view } = episode;
  const { command, by, reason = "", result = {} } = pending;
  const reply = await record(`${spelled(command)} by ${by}`)["remediation.command"]({
    remediationId: episode.remediationId,
    command,
    by,
    via: pending.via,
    token: pending.token ?? null,
    reason,
    at: pending.cameAt,
    stoodAt: point.at,
    ignoredBecause: whyNot(episode, point, pending),
    effect: point.effect === null ? null : requestOf(episode, point.effect),
    result,
  });
  if (reply.status === "ignored") {
    showNotTaken(view, `${spelled(command)} by ${by}`, reply.detail);
    return null;
  }
  view.notTaken = null;
  const word = { said: `${PAST[command]} by ${by}${reason === "" ? "" : `: ${reason}`}`, result };
  switch (command) {
    case "take":
      desk.takeover.holder = { by, since: wallTime(), reason };
      return null;
    case "end":
      desk.takeover.holder = null;
      desk.end({ by, reason });
      return { ...word, command };
    case "release":
      desk.takeover.holder = null;
      return { ...word, command };
    case "retry":
    case "skip":
    case "markDone":
      return { ...word, command };
    default:
      return assertNever(command, "command");
  }
}

const PAST: Record<Command, string> = {
  take: "taken over",
  retry: "tried again",
  skip: "skipped",
  markDone: "marked done",
  release: "released",
  end: "ended",
};

/** It was accepted, but what came before it may have changed who holds it. */
function whyNot(
  { desk, view }: Episode,
  point: FreezePoint,
  { command, by, result = {} }: PendingCommand,
): string | null {
  if (command === "take") return null;
  const { holder } = desk.takeover;
  if (holder?.by !== by) return `it is held by ${holder?.by ?? "nobody"}`;
  return faultAtPoint(point, view, command, result);
}

function requestOf(episode: Episode, effect: NonNullable<FreezePoint["effect"]>): EffectRequest {
  const { rung, step, stepKey, direction, input } = effect;
  return {
    remediationId: episode.remediationId,
    target: episode.requirePlan().target,
    rung,
    step: stepKey,
    action: step.uses,
    actionVersion: step.actionVersion,
    direction,
    input,
    attempt: 1,
    until: null,
  };
}

async function show(episode: Episode, point: FreezePoint, about: string): Promise<void> {
  const { holder } = episode.desk.takeover;
  if (holder === null) return;
  const { remediationId, view } = episode;
  view.takeover = { ...holder, state: "held", at: point.at, about, commands: [...point.offers] };
  const doing = `held by ${holder.by}${holder.reason === "" ? "" : `: ${holder.reason}`}`;
  episode.say(doing, { for: `a command of ${holder.by}`, since: holder.since, until: null });
  await record(doing)["remediation.held"]({ ...view.takeover, remediationId, phase: view.phase, doing });
}

/** `replace/dc`, `replace/dc/undo`: the effect's key without the remediation. */
export function placeOf({ rung, stepKey, direction }: NonNullable<FreezePoint["effect"]>): string {
  return decodeURIComponent(effectKey({ remediationId: "-", rung, step: stepKey }, direction).slice(2));
}
