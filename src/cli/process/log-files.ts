/** What each process prints, in a file of its own: `log/worker-1.log`. */
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openWay } from "../../record/embedded/server-user.ts";

export interface LogFiles {
  write: (service: string, line: string) => void;
  close(): Promise<void>;
}

export async function logFiles(folder: string): Promise<LogFiles> {
  const made = await mkdir(folder, { recursive: true });
  // The database will lie beside them, and its user must get there.
  if (made !== undefined) await openWay(made, folder);
  await chmod(folder, 0o700);
  const files = new Map<string, WriteStream>();
  const open = (service: string): WriteStream => {
    const file = createWriteStream(join(folder, `${service}.log`), { flags: "a", mode: 0o600 });
    // A full disk must not take the processes with it.
    file.on("error", () => undefined);
    files.set(service, file);
    return file;
  };
  return {
    write: (service, line) => void (files.get(service) ?? open(service)).write(`${line}\n`),
    close: async () => {
      for (const file of files.values()) {
        file.end();
        if (!file.closed) await once(file, "close");
      }
    },
  };
}
