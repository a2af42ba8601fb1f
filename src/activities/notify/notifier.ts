/**
 * Tells people: a message goes to the channels of its route, one after the other until one takes it, and into the thread
 * of its remediation. What no channel took is rejected, and whoever sent it tries again (the sweeper, for escalations).
 *
 * At least once: a process that dies between the channel's answer and the record's entry sends again. PagerDuty
 * (dedup_key), a webhook (idempotency-key) and a mailbox (Message-ID) can tell; in Slack the message stands twice.
 */
import type { Logger } from "pino";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import { MOST_CHANNELS } from "../../catalogue/grammar/notifications.ts";
import { routed, worded, type MessageFacts } from "../../catalogue/notifications.ts";
import { AdapterError } from "../../ports/failure.ts";
import type { ChannelPort, Message, NotifyPort, Posting } from "../../ports/ports.ts";
import type { RecordStore } from "../../record/api.ts";
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
  const catalogue = await known(parts, message, "the active catalogue", parts.active);
  const situation = await situationFor(parts, message, catalogue);
  const facts = situation?.facts ?? nothingKnown(message);
  const spec = catalogue?.notifications;
  const { route, to } = spec === undefined ? { route: message.route, to: names.slice(0, MOST_CHANNELS) } : routed(spec, names, facts);
  const posting = postingOf(parts, { ...message, route }, situation, catalogue);
  const failures: string[] = [];
  for (const name of to) {
    const error = await post(parts, name, channels[name], posting, situation !== null);
    if (error === null) return;
    failures.push(`${name}: ${error}`);
  }
  throw failed(`no channel took it: ${failures.join("; ")}`);
}

/** null: it is about no remediation, or the record does not answer. People are told all the same. */
async function situationFor(
  parts: NotifierParts,
  message: Message,
  catalogue: Catalogue | null,
): Promise<Situation | null> {
  const { remediationId } = message;
  if (remediationId === undefined) return null;
  const story = await known(parts, message, "the remediation", () => parts.record.story(remediationId));
  return story === null ? null : situationOf(story, message, catalogue);
}

function nothingKnown({ route }: Message): MessageFacts {
  return { route, severity: null, owners: [], group: null, runbook: null, burnRate: null };
}

const SEVERITY = { page: "critical", ticket: "warning", message: "info" } as const;

function postingOf(
  { log }: NotifierParts,
  message: Message,
  situation: Situation | null,
  catalogue: Catalogue | null,
): Posting {
  const { route, key, remediationId } = message;
  const posting: Posting = { ...message, severity: SEVERITY[route], source: "selfheal", standing: null };
  if (situation === null) return posting;
  const { facts, about, standing } = situation;
  const severity = (facts.severity ?? posting.severity) as Posting["severity"];
  const rich = { ...posting, severity, source: String(about["target"]), standing };
  if (catalogue === null) return rich;
  const { title, text, failed: why } = worded(catalogue.notifications, message, route, about);
  if (why !== null) log.warn({ remediationId, key, why }, `notifications.templates.${route} could not be filled`);
  return { ...rich, title, text };
}

/** null: the channel took it. Else why not; the next one is asked. */
async function post(
  parts: NotifierParts,
  channel: string,
  port: ChannelPort | undefined,
  posting: Posting,
  hasStory: boolean,
): Promise<string | null> {
  const { record } = parts;
  const { key, route, title, text } = posting;
  const remediationId = hasStory ? (posting.remediationId ?? null) : null;
  const threads =
    remediationId === null ? [] : await known(parts, posting, "its threads", () => record.threads(remediationId));
  const thread = threads?.find((one) => one.channel === channel)?.reference ?? null;
  let error: string | null = null;
  try {
    if (port === undefined) throw failed(`no channel ${channel} is configured where this runs`);
    const reference = await port.post(posting, thread);
    if (remediationId !== null && thread === null && reference !== null) {
      const opening = { key, route, title, text };
      await known(parts, posting, "its thread", () => record.keepThread({ remediationId, channel, reference, opening }));
    }
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure);
    parts.log.warn({ remediationId, key, channel, err: failure }, "a channel did not take a message; the next is asked");
  }
  await known(parts, posting, "what became of it", () =>
    record.channelTried({ channel, remediationId, key, route, error }),
  );
  return error;
}

/** A record that is away must not keep people from being told: null, and a line in the log. */
async function known<T>(
  { log }: NotifierParts,
  { key, remediationId }: Message,
  what: string,
  ask: () => Promise<T>,
): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    log.warn({ remediationId, key, err: error }, `telling people without the record: ${what}`);
    return null;
  }
}

function failed(why: string): AdapterError {
  return new AdapterError("permanent", { system: "notify", operation: "send" }, why);
}
