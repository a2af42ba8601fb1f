/** Builds a program from source with Go, into our cache. A Temporal server takes minutes on two cores the first time. */
import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { messageOf } from "../config/user-error.ts";
import { megabytes, run, withTicks, type Progress } from "./tools.ts";

const BUILD_TIMEOUT_MS = 20 * 60_000;
/** What fails this early failed for the network, or fails again soon; Go keeps what it has fetched and compiled. */
const AGAIN_WITHIN_MS = 5 * 60_000;
const TICK_MS = 10_000;

export interface GoInstallOptions {
  go: string;
  /** Package and version: `github.com/temporalio/cli/cmd/temporal@v1.5.1`. */
  module: string;
  /** For a person: how long, how large. */
  estimate: string;
  /** Where the binary goes, under a name of its own: Go calls it by the last part of its package. */
  target: string;
  log: Progress;
  signal?: AbortSignal | undefined;
}

export async function goInstall(options: GoInstallOptions): Promise<void> {
  await mkdir(dirname(options.target), { recursive: true });
  const folder = await mkdtemp(`${options.target}.tmp-`);
  try {
    options.log(`building ${options.module} with ${options.go}, once: ${options.estimate}`);
    const downloads = new Downloads(await moduleCache(options.go));
    let compiled = 0;
    const build = (): Promise<string[]> =>
      run({
        name: "go install",
        command: options.go,
        args: ["install", "-v", options.module],
        env: { GOBIN: folder },
        timeoutMs: BUILD_TIMEOUT_MS,
        signal: options.signal,
        onLine: (line) => {
          if (!downloads.note(line) && !line.startsWith("go: ")) compiled += 1;
        },
      });
    const start = performance.now();
    const built = build().catch((error: unknown) => {
      if (options.signal?.aborted === true || performance.now() - start > AGAIN_WITHIN_MS) throw error;
      options.log(`${messageOf(error)}; once more`);
      return build();
    });
    const tick = (seconds: number): void => {
      void downloads.bytes().then((bytes) => {
        options.log(
          `building: ${seconds} s, ${downloads.count} modules (${megabytes(bytes)}), ${compiled} packages compiled`,
        );
      });
    };
    await withTicks(TICK_MS, tick, built);
    await rename(join(folder, builtName(options.module)), options.target);
    options.log(`built ${options.target} (${megabytes((await stat(options.target)).size)})`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function builtName(module: string): string {
  return basename(module.replace(/@.*$/, ""));
}

async function moduleCache(go: string): Promise<string> {
  const lines = await run({ name: "go env", command: go, args: ["env", "GOMODCACHE"], timeoutMs: 30_000 });
  return lines.at(-1) ?? "";
}

/** What `go` says it downloads, and how large those archives are in its module cache. */
class Downloads {
  readonly #cache: string;
  readonly #zips: string[] = [];

  constructor(cache: string) {
    this.#cache = cache;
  }

  get count(): number {
    return this.#zips.length;
  }

  /** True when the line was about a download. */
  note(line: string): boolean {
    const [, path, version] = /^go: downloading (\S+) (\S+)/.exec(line) ?? [];
    if (path === undefined || version === undefined) return false;
    this.#zips.push(join(this.#cache, "cache", "download", escapeModule(path), "@v", `${escapeModule(version)}.zip`));
    return true;
  }

  async bytes(): Promise<number> {
    const sizes = await Promise.all(
      this.#zips.map((zip) =>
        stat(zip).then(
          (found) => found.size,
          () => 0,
        ),
      ),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}

/** Go writes a capital letter as `!` and the small one in its cache paths. */
function escapeModule(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
}
