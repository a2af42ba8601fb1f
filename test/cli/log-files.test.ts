import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { logFiles } from "../../src/cli/process/log-files.ts";

test("are for their owner alone, in a folder through which the database's user still gets to its own", async () => {
  const folder = await mkdtemp(join(tmpdir(), "selfheal-log-files-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const state = join(folder, "new", "state");
  const logs = await logFiles(join(state, "log"));
  logs.write("serve", "up");
  await logs.close();
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
  const modes = [join(folder, "new"), state, join(state, "log"), join(state, "log", "serve.log")].map(modeOf);
  expect(await Promise.all(modes)).toEqual(["755", "755", "700", "600"]);
  expect(await readFile(join(state, "log", "serve.log"), "utf8")).toBe("up\n");
});
