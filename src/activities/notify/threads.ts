/**
 * Brings threads up to date: what each shows is compared with how its remediation stands, again and again, so that no
 * update is lost with a process or a channel. One that ended is shown as such once, and an incident is resolved with it.
 */
import type { Logger } from "pino";
import type { ChannelPort } from "../../ports/ports.ts";
import type { RecordStore } from "../../record/api.ts";
import type { StaleThread } from "../../record/api-notifications.ts";
import { standingOf } from "./standing.ts";

export interface ThreadParts {
  record: Pick<RecordStore, "staleThreads" | "threadShown">;
  channels: () => Readonly<Record<string, ChannelPort>>;
  log: Logger;
}

/** In one round: Slack lets an app change some fifty messages a minute. */
const MOST_AT_ONCE = 3;

/** Answers how many were brought up to date. */
export async function updateThreads(parts: ThreadParts): Promise<number> {
  const stale = await parts.record.staleThreads(MOST_AT_ONCE);
  const shown = await Promise.all(stale.map((thread) => show(parts, thread)));
  return shown.filter(Boolean).length;
}

async function show({ record, channels, log }: ThreadParts, thread: StaleThread): Promise<boolean> {
  const { remediationId, channel, reference, opening, remediation, acknowledgedBy } = thread;
  try {
    // A channel that is gone, or that cannot change what it posted: nothing is left to do.
    await channels()[channel]?.show?.(reference, standingOf(remediation, acknowledgedBy), opening);
  } catch (error) {
    log.warn({ remediationId, channel, err: error }, "a thread could not be brought up to date; it is tried again");
    await record.threadShown(thread, error instanceof Error ? error.message : String(error));
    return false;
  }
  await record.threadShown(thread, null);
  return true;
}
