import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Defer } from "../../src/cli/process/cleanup.ts";

/** For the servers' files; removed at the end. */
export async function temporaryFolder(defer: Defer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "selfheal-bench-"));
  defer(() => rm(folder, { recursive: true, force: true }));
  // Root's PostgreSQL runs as another user, who must get through to its data.
  await chmod(folder, 0o711);
  return folder;
}
