/** The end of a command whose output nobody reads any more (`| head`). */
import { EXIT } from "../../config/user-error.ts";

/** What runs until it is stopped is asked to stop, once; everything else ends at once and says nothing. */
export function endWithReader(streams: readonly NodeJS.WriteStream[]): void {
  let ended = false;
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      if (ended) return;
      ended = true;
      if (process.listenerCount("SIGTERM") === 0) process.exit(EXIT.unread);
      process.kill(process.pid, "SIGTERM");
    });
  }
}
