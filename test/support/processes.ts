/** Looking at processes in tests. */
import { readdirSync, readFileSync } from "node:fs";
import { vi } from "vitest";

/** A negative number asks for a whole process group. A zombie that init has not collected yet is not alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return pid < 0 || !isZombie(pid);
}

export async function untilGone(pid: number): Promise<void> {
  await vi.waitFor(
    () => {
      if (isAlive(pid)) throw new Error(`process ${pid} is still there`);
    },
    { timeout: 60_000, interval: 20 },
  );
}

function isZombie(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** All processes below this one, children first. */
export function descendants(pid: number): number[] {
  const below = children(pid);
  return [...below, ...below.flatMap(descendants)];
}

function children(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const lists = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"));
    return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
  } catch {
    return [];
  }
}
