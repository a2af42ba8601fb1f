/**
 * Leases of other systems as files: JSON Lines, one lease a line, in one file or in every `*.jsonl` of a folder, so that
 * each system writes its own and replaces it by renaming. One line that cannot be read makes all of it unreadable: it may
 * have been the one about this target.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AdapterError } from "../../ports/failure.ts";
import type { ForeignLease, LeasePort, Outside } from "../../ports/ports.ts";

export interface LeaseFileOptions {
  /** A file, or a folder of `*.jsonl`. */
  path: string;
  /** Every file must have been written within this; left out: files do not age. */
  maxAgeSeconds?: number | undefined;
  outside: Pick<Outside, "clock">;
}

const SYSTEM = "lease file";
const ENDING = ".jsonl";
const MAX_BYTES = 1024 * 1024;
const MAX_FILES = 200;

const TARGET = 'a "target" such as "host/web-1"';
const line = z.object({
  target: z.string({ error: TARGET }).regex(/^[^/\s]+\/\S+$/, { error: TARGET }),
  holder: z.string({ error: 'a "holder": which system' }).trim().min(1, 'a "holder": which system').max(255),
  reason: z.string().max(500, '"reason" of at most 500 characters').default(""),
  until: z.iso.datetime({ offset: true, error: '"until" as 2026-11-21T22:00:00Z' }).nullish(),
});

export function leaseFile(options: LeaseFileOptions): LeasePort {
  return { held: () => held(options) };
}

async function held(options: LeaseFileOptions): Promise<ForeignLease[]> {
  const files = await readable(options.path, () => filesOf(options.path));
  const leases: ForeignLease[] = [];
  for (const file of files) leases.push(...(await readable(file, () => leasesOf(file, options))));
  return leases;
}

/** What cannot be read, or is half written, is tried again: somebody may be just replacing it. */
async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AdapterError) throw error;
    throw unreadable("transient", `${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
}

function unreadable(failure: "transient" | "permanent", message: string): AdapterError {
  return new AdapterError(failure, { system: SYSTEM, operation: "read" }, message);
}

async function filesOf(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith(ENDING) && !name.startsWith(".")).sort();
  if (names.length <= MAX_FILES) return names.map((name) => join(path, name));
  throw unreadable("permanent", `${path} has ${names.length} files *${ENDING}, at most ${MAX_FILES} are read`);
}

async function leasesOf(file: string, { maxAgeSeconds, outside }: LeaseFileOptions): Promise<ForeignLease[]> {
  const { size, mtimeMs } = await stat(file);
  if (size > MAX_BYTES) throw unreadable("permanent", `${file} has ${size} bytes, at most ${MAX_BYTES} are read`);
  const ageSeconds = Math.round((outside.clock.now() - mtimeMs) / 1000);
  if (maxAgeSeconds !== undefined && ageSeconds > maxAgeSeconds) {
    throw unreadable("permanent", `${file} was written ${ageSeconds} s ago, at most ${maxAgeSeconds} s count`);
  }
  const lines = (await readFile(file, "utf8")).split("\n");
  return lines.flatMap((text, index) => {
    const bare = text.trim();
    return bare === "" || bare.startsWith("#") ? [] : [leaseOf(bare, `${file}:${index + 1}`)];
  });
}

function leaseOf(text: string, place: string): ForeignLease {
  const parsed = line.safeParse(jsonOf(text, place));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw unreadable("transient", `${place} is no lease, expected ${issue?.message ?? "an object"}`);
  }
  const { target, holder, reason, until } = parsed.data;
  const slash = target.indexOf("/");
  const end = until === null || until === undefined ? null : new Date(until).toISOString();
  return { target: { kind: target.slice(0, slash), id: target.slice(slash + 1) }, holder, reason, until: end };
}

function jsonOf(text: string, place: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw unreadable("transient", `${place} is not JSON`);
  }
}
