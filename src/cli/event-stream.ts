/** A client of server-sent events: reads, and comes back with the id of what it read last when the connection breaks. */
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT, UserError } from "../config/user-error.ts";

export interface StreamEvent {
  id: string;
  event: string;
  data: string;
}

export interface StreamOptions {
  /** Connects; resolves with an answer that is ok, or rejects with what is to be said. */
  open: (lastEventId: string | null, signal: AbortSignal) => Promise<Response>;
  /** Connected with nothing to go on from: what is there is to be listed, and what comes meanwhile waits. */
  onOpen: () => Promise<void>;
  onEvent: (event: StreamEvent) => void;
  /** The connection broke, or could not be made again; it is tried again. */
  onLost: (error: unknown) => void;
  signal: AbortSignal;
  /** Before it is tried again; default 2,000. */
  retryMs?: number;
}

/** Until `signal`. Rejects when the first connection cannot be made, or a later one is refused: the token has ended. */
export async function readEvents({
  open,
  onOpen,
  onEvent,
  onLost,
  signal,
  retryMs = 2_000,
}: StreamOptions): Promise<void> {
  let last: string | null = null;
  let connected = false;
  while (!signal.aborted) {
    try {
      const response = await open(last, signal);
      if (last === null) await onOpen();
      connected = true;
      for await (const event of eventsIn(response)) {
        if (event.id !== "") last = event.id;
        onEvent(event);
      }
      if (!signal.aborted) onLost(new Error("the API closed the stream"));
    } catch (error) {
      if (signal.aborted) return;
      if (!connected || (error instanceof UserError && error.exitCode === EXIT.failed)) throw error;
      onLost(error);
    }
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Events end with an empty line; lines that begin with a colon are heartbeats. */
export async function* eventsIn(response: Response): AsyncGenerator<StreamEvent> {
  if (response.body === null) return;
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== null) yield event;
    }
  }
}

function eventOf(block: string): StreamEvent | null {
  const fields: Record<string, string> = {};
  for (const line of block.split("\n")) {
    const [, name = "", value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name !== "") fields[name] = value;
  }
  const { id = "", event = "message", data } = fields;
  return data === undefined ? null : { id, event, data };
}
