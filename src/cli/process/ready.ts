/** How a child (worker, serve) tells the process that started it that it works, and where. */
import { z } from "zod";

const readyMessage = z.object({ type: z.literal("ready"), detail: z.record(z.string(), z.string()) });
export type ReadyDetail = z.infer<typeof readyMessage>["detail"];

/** Does nothing when nobody supervises us. */
export function announceReady(detail: ReadyDetail): void {
  process.send?.({ type: "ready", detail });
  // The channel alone must not keep us alive after everything else has stopped.
  process.channel?.unref();
}

export function readReady(message: unknown): ReadyDetail | null {
  const parsed = readyMessage.safeParse(message);
  return parsed.success ? parsed.data.detail : null;
}
