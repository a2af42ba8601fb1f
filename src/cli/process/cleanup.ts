/** Closes what was opened, in the reverse order, whatever happens. */
export type Defer = (close: () => unknown) => void;

export async function withCleanup<T>(work: (defer: Defer) => Promise<T>): Promise<T> {
  const closers: (() => unknown)[] = [];
  try {
    return await work((close) => void closers.push(close));
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}
