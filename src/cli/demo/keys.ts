/** Single keys on a terminal; nothing where there is none. */
export function listenForKeys(handlers: Record<string, () => void>): { release(): void } {
  const { stdin } = process;
  if (!stdin.isTTY) return { release: () => undefined };
  const onKey = (data: Buffer): void => {
    for (const key of data.toString()) {
      // In raw mode Ctrl-C is a key like any other.
      if (key === "\u0003") process.kill(process.pid, "SIGINT");
      else handlers[key]?.();
    }
  };
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on("data", onKey);
  return {
    release: () => {
      stdin.off("data", onKey);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
