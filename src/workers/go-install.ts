/** Builds the Temporal CLI from source with Go, into our cache. About 3.5 minutes on two cores the first time. */
import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { megabytes, run, withTicks, type Progress } from "./tools.ts";

/** The newest that `go install` takes: later tags carry a `replace` (docs/dependencies.md). */
const CLI_MODULE = "github.com/temporalio/cli/cmd/temporal@v1.5.1";
const BUILD_TIMEOUT_MS = 20 * 60_000;
const TICK_MS = 10_000;

export interface GoInstallOptions {
  go: string;
  /** Where the binary goes. */
  target: string;
  log: Progress;
  signal?: AbortSignal | undefined;
}

export async function goInstall(options: GoInstallOptions): Promise<void> {
  await mkdir(dirname(options.target), { recursive: true });
  const folder = await mkdtemp(`${options.target}.tmp-`);
  try {
    options.log(
      `building ${CLI_MODULE} with ${options.go}, once: 3 to 5 minutes, 250 MB here and about 2 GB in Go's own caches`,
    );
    const downloads = new Downloads(await moduleCache(options.go));
    let compiled = 0;
    const build = run({
      name: "go install",
      command: options.go,
      args: ["install", "-v", CLI_MODULE],
      env: { GOBIN: folder },
      timeoutMs: BUILD_TIMEOUT_MS,
      signal: options.signal,
      onLine: (line) => {
        if (!downloads.note(line) && !line.startsWith("go: ")) compiled += 1;
      },
    });
    const tick = (seconds: number): void => {
      void downloads.bytes().then((bytes) => {
        options.log(
          `building: ${seconds} s, ${downloads.count} modules (${megabytes(bytes)}), ${compiled} packages compiled`,
        );
      });
    };
    await withTicks(TICK_MS, tick, build);
    await rename(join(folder, "temporal"), options.target);
    options.log(`built ${options.target} (${megabytes((await stat(options.target)).size)})`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
