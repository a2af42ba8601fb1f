/**
 * An error that a person can cure: bad input, a missing variable, a port in use, a server that is not there.
 * The command line prints its message as one line without a stack; everything else is a bug and says so.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: number;

  constructor(message: string, options?: { cause?: unknown; exitCode?: number }) {
    super(message, options);
    this.exitCode = options?.exitCode ?? EXIT.failed;
  }
}

/** The exit codes of every command (docs/running.md). */
export const EXIT = {
  ok: 0,
  /** It was tried and did not succeed. */
  failed: 1,
  /** The command line or the configuration is wrong; nothing was tried. */
  usage: 2,
  /** Something it needs (Temporal, the database, a port) is not there. */
  unavailable: 3,
  /** Ended by SIGINT (128 + 2). */
  interrupted: 130,
  /** Nobody reads its output any more, as by SIGPIPE (128 + 13). */
  unread: 141,
} as const;

/** The message of anything that was thrown, on one line, with its cause where that says more ("fetch failed" does not). */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  const own = oneLine(error.message || error.name);
  // A UserError was written to be read: what matters of its cause is in it.
  if (error instanceof UserError || !(error.cause instanceof Error)) return own;
  const cause = messageOf(error.cause);
  return own.includes(cause) ? own : `${own} (${cause})`;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").trim();
}
