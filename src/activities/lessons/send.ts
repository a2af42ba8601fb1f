/** Sends what the record keeps, and writes down what became of it. */
import type { Due } from "../../record/api-measures.ts";
import type { NotifyPort } from "../../ports/ports.ts";
import { messageOf } from "./failure.ts";

/** In one round: a dead receiver must not use up its time. */
export const MOST_SENDS = 20;

/**
 * One after the other. A process that dies between the message and its entry sends it again with the same key: the
 * receiver may drop it. A message that was not taken ends the round, since the next one would fare no better.
 */
export async function sendAll(
  notify: NotifyPort,
  due: readonly Due[],
  messageFor: (key: string) => Promise<Parameters<NotifyPort["send"]>[0]>,
  sent: (key: string, error: string | null) => Promise<void>,
): Promise<void> {
  for (const { key } of due) {
    const message = await messageFor(key);
    try {
      await notify.send(message);
    } catch (error) {
      await sent(key, messageOf(error));
      throw error;
    }
    await sent(key, null);
  }
}
