/** Manifests in a folder: written whole or not at all, and read again. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { EXIT, messageOf, UserError } from "../../config/user-error.ts";
import type { ManifestSink } from "../api-audit.ts";
import type { ManifestHeader, ManifestLine } from "./manifest.ts";

/** `folder/manifest-000007-2026-11-21.jsonl`: by their names in their order. */
export function manifestPath(folder: string, { number, at }: ManifestHeader): string {
  return join(folder, `manifest-${String(number).padStart(6, "0")}-${at.slice(0, 10)}.jsonl`);
}

/** Beside it first, so that nobody ever sees half of it. */
export async function manifestFile(path: string): Promise<ManifestSink> {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.part`;
  const file = await open(beside, "w", 0o640);
  return {
    write: async (text) => {
      await file.appendFile(text);
    },
    keep: async () => {
      await file.sync();
      await file.close();
      await rename(beside, path);
      return path;
    },
    drop: async () => {
      await file.close().catch(() => undefined);
      await rm(beside, { force: true });
    },
  };
}

const HEADER = z.object({
  manifest: z.literal(1),
  number: z.number().int().positive(),
  at: z.string(),
  previous: z.string(),
});
const LINE = z.object({ chain: z.string().min(1), seq: z.number().int().positive(), hash: z.string().length(64) });
const END = z.strictObject({ chains: z.number().int().nonnegative() });

export interface ReadManifest {
  file: string;
  header: ManifestHeader;
  /** SHA-256 of the file as it is now. */
  hash: string;
}

/** A file, or every manifest of a folder in the order of their names. */
export async function manifestFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch((error: unknown) => {
      throw new UserError(`--manifest ${path}: ${messageOf(error)}`, { cause: error, exitCode: EXIT.usage });
    });
    if (!found.isDirectory()) files.push(path);
    else {
      const names = (await readdir(path)).filter((name) => /^manifest-\d+.*\.jsonl$/.test(name)).sort();
      if (names.length === 0)
        throw new UserError(`--manifest ${path}: no manifest lies there`, { exitCode: EXIT.usage });
      files.push(...names.map((name) => join(path, name)));
    }
  }
  return files;
}

const BATCH = 1_000;

/** Calls `take` with its lines, some at a time; answers what it is. A UserError says what is wrong with the file. */
export async function readManifest(
  file: string,
  take: (lines: ManifestLine[]) => Promise<void>,
): Promise<ReadManifest> {
  const digest = createHash("sha256");
  const bytes = createReadStream(file);
  bytes.on("data", (chunk) => digest.update(chunk));
  let header: ManifestHeader | null = null;
  const lines: ManifestLine[] = [];
  let end: number | null = null;
  let [number, count] = [0, 0];
  for await (const text of createInterface({ input: bytes, crlfDelay: Infinity })) {
    number += 1;
    if (header === null) header = parsed(HEADER, text, file, number);
    else if (end !== null) throw broken(file, number, "something stands behind its end");
    else if (text.startsWith('{"chains":')) end = parsed(END, text, file, number).chains;
    else {
      lines.push(parsed(LINE, text, file, number));
      count += 1;
      if (lines.length === BATCH) await take(lines.splice(0));
    }
  }
  if (lines.length > 0) await take(lines);
  if (header === null || end === null) throw broken(file, number, "its end is missing: it was cut");
  if (end !== count) throw broken(file, number, `it says ${end} chains and has ${count}`);
  return { file, header, hash: digest.digest("hex") };
}

function parsed<T>(schema: z.ZodType<T>, text: string, file: string, line: number): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw broken(file, line, "no JSON");
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw broken(file, line, z.prettifyError(result.error).replace(/\s*\n\s*/g, " "));
}

function broken(file: string, line: number, why: string): UserError {
  return new UserError(`${file}:${line}: this is no whole manifest of selfheal: ${why}`);
}
