/** How far a long command is: one line on a terminal, written over itself. Nothing where nobody looks. */

export interface Progress {
  /** `done` of something that is counted. */
  show: (done: number) => void;
  /** Leaves the line empty. */
  end: () => void;
}

const EVERY_MS = 200;
const CLEAR = "\r\x1b[K";

/** `what` is counted: `alerts`. `now`: ms, for the rate. */
export function progressOf(
  what: string,
  stream: Pick<NodeJS.WriteStream, "isTTY" | "write"> = process.stderr,
  now: () => number = () => performance.now(),
): Progress {
  if (!stream.isTTY) return { show: () => undefined, end: () => undefined };
  const startedAt = now();
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show: (done) => {
      const at = now();
      if (at - shownAt < EVERY_MS) return;
      shownAt = at;
      const rate = Math.round((done * 1_000) / Math.max(1, at - startedAt));
      stream.write(`${CLEAR}${done.toLocaleString("en")} ${what}, ${rate.toLocaleString("en")}/s`);
    },
    end: () => void stream.write(CLEAR),
  };
}
