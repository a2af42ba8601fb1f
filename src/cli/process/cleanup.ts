/** Closes what was opened, in the reverse order, whatever happens. */
export type Defer = (close: () => unknown) => void;

/** Rejects with what `work` rejects with, else with the first of what could not be closed, when all others are. */
export async function withCleanup<T>(work: (defer: Defer) => Promise<T>): Promise<T> {
  const closers: (() => unknown)[] = [];
  let result: T;
  try {
    result = await work((close) => void closers.push(close));
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
  const [fault] = await closeAll(closers);
  if (fault !== undefined) throw fault.error;
  return result;
}

/** One that stayed open would keep the process alive. */
async function closeAll(closers: readonly (() => unknown)[]): Promise<{ error: unknown }[]> {
  const faults: { error: unknown }[] = [];
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      faults.push({ error });
    }
  }
  return faults;
}
