/** What the processes of a run say, in a file: too much to read along, wanted when something went wrong. */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface ProcessLog {
  file: string;
  line: (service: string, line: string) => void;
  /** Removes it. */
  forget(): Promise<void>;
}

export async function openProcessLog(): Promise<ProcessLog> {
  const file = join(await mkdtemp(join(tmpdir(), "selfheal-log-")), "processes.log");
  const stream = createWriteStream(file, { mode: 0o600 });
  return {
    file,
    line: (service, line) => void stream.write(`${new Date().toISOString()} ${service}: ${line}\n`),
    forget: async () => {
      stream.end();
      await rm(dirname(file), { recursive: true, force: true });
    },
  };
}
