import { setTimeout as sleep } from "node:timers/promises";

/** Asks every few milliseconds until the answer is not null; null after `timeoutMs`. */
export async function waitFor<T>(ask: () => Promise<T | null>, timeoutMs: number): Promise<T | null> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > end) return null;
    await sleep(15);
  }
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
