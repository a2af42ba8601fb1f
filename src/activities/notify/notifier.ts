/**
 * Tells people: a message goes to the channels of its route, one after the other until one takes it, and into the thread
 * of its remediation. What no channel took is rejected, and whoever sent it tries again (the sweeper, for escalations).
 *
 * At least once: a process that dies between the channel's answer and the record's entry sends again. PagerDuty
 * (dedup_key), a webhook (idempotency-key) and a mailbox (Message-ID) can tell, and a Slack app looks before it posts.
 */
import type { Logger } from "pino";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import { routed, worded, type MessageFacts } from "../../catalogue/notifications.ts";
import { SEVERITY_OF_ROUTE } from "../../contracts/route.ts";
import { AdapterError } from "../../ports/failure.ts";
import type { ChannelPort, Message, NotifyPort, Posting } from "../../ports/ports.ts";
import type { RecordStore } from "../../record/api.ts";
import { isRecordUnavailable } from "../dependencies.ts";
import { situationOf, type Situation } from "./situation.ts";

export interface NotifierParts {
  record: Pick<RecordStore, "story" | "threads" | "keepThread" | "channelTried">;
  active: () => Promise<Catalogue>;
  channels: () => Readonly<Record<string, ChannelPort>>;
  log: Logger;
}

export function notifier(parts: NotifierParts): NotifyPort {
  return { send: (message) => send(parts, message) };
}

async function send(parts: NotifierParts, message: Message): Promise<void> {
  const channels = parts.channels();
  const names = Object.keys(channels);
  if (names.length === 0) throw failed("no channel is configured in selfheal.yaml (connections.channels)");
  const ask = asking(parts.log, message);
  const catalogue = await ask("the active catalogue", parts.active);
  const situation = await situationFor(parts, ask, message, catalogue);
  const { route, to } = routed(catalogue?.notifications ?? null, names, situation?.facts ?? nothingKnown(message));
  const posting = postingOf(parts, { ...message, route }, situation, catalogue);
  const thread = await threadsFor(parts, ask, message, situation);
  const failures: string[] = [];
  for (const name of to) {
    const error = await post(parts, ask, { name, port: channels[name], thread: thread(name) }, posting);
    if (error === null) return;
    failures.push(`${name}: ${error}`);
  }
  throw failed(`no channel took it: ${failures.join("; ")}`);
}

/** null: it is about no remediation, or the record does not answer. People are told all the same. */
async function situationFor(
  { record }: NotifierParts,
  ask: Ask,
  message: Message,
  catalogue: Catalogue | null,
): Promise<Situation | null> {
  const { remediationId } = message;
  if (remediationId === undefined) return null;
  const story = await ask("the remediation", () => record.story(remediationId));
  return story === null ? null : situationOf(story, message, catalogue);
}

/** The thread in a channel. null: there can be none, for there is no remediation that the record knows. */
interface Thread {
  remediationId: string;
  /** null: it is not begun. */
  reference: string | null;
}

async function threadsFor(
  { record }: NotifierParts,
  ask: Ask,
  { remediationId }: Message,
  situation: Situation | null,
): Promise<(channel: string) => Thread | null> {
  if (remediationId === undefined || situation === null) return () => null;
  const there = (await ask("its threads", () => record.threads(remediationId))) ?? [];
  return (name) => ({ remediationId, reference: there.find(({ channel }) => channel === name)?.reference ?? null });
}

function nothingKnown({ route }: Message): MessageFacts {
  return { route, severity: null, owners: [], group: null, runbook: null, burnRate: null };
}

function postingOf(
  { log }: NotifierParts,
  message: Message,
  situation: Situation | null,
  catalogue: Catalogue | null,
): Posting {
  const { route, key, remediationId } = message;
  const posting: Posting = { ...message, severity: SEVERITY_OF_ROUTE[route], source: "selfheal", standing: null };
  if (situation === null) return posting;
  const { facts, target, about, standing } = situation;
  const severity = (facts.severity ?? posting.severity) as Posting["severity"];
  const rich = { ...posting, severity, source: target, standing };
  if (catalogue === null) return rich;
  const { title, text, failed: why } = worded(catalogue.notifications, message, route, about);
  if (why !== null) log.warn({ remediationId, key, why }, `notifications.templates.${route} could not be filled`);
  return { ...rich, title, text };
}

interface Place {
  name: string;
  port: ChannelPort | undefined;
  thread: Thread | null;
}

/** null: the channel took it. Else why not; the next one is asked. */
async function post(
  { record, log }: NotifierParts,
  ask: Ask,
  { name: channel, port, thread }: Place,
  posting: Posting,
): Promise<string | null> {
  const { key, route, title, text } = posting;
  const remediationId = thread?.remediationId ?? null;
  let error: string | null = null;
  try {
    if (port === undefined) throw failed(`no channel ${channel} is configured where this runs`);
    const was = thread?.reference ?? null;
    const reference = await port.post(posting, was);
    if (remediationId !== null && reference !== null && reference !== was) {
      const row = { remediationId, channel, reference, opening: { key, route, title, text } };
      await ask("its thread", () => record.keepThread(row, was));
    }
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure);
    log.warn({ remediationId, key, channel, err: failure }, "a channel did not take a message; the next is asked");
  }
  await ask("what became of it", () => record.channelTried({ channel, remediationId, key, route, error }));
  return error;
}

type Ask = <T>(what: string, work: () => Promise<T>) => Promise<T | null>;

/** A record that is away must not keep people from being told: null, a line in the log, and it is not asked again. */
function asking(log: Logger, { key, remediationId }: Message): Ask {
  let away = false;
  return async (what, work) => {
    if (away) return null;
    try {
      return await work();
    } catch (error) {
      away = isRecordUnavailable(error);
      log.warn({ remediationId, key, err: error }, `telling people without the record: ${what}`);
      return null;
    }
  };
}

function failed(why: string): AdapterError {
  return new AdapterError("permanent", { system: "notify", operation: "send" }, why);
}
