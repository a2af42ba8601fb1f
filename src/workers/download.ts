/**
 * The download that the Temporal SDK makes for its test environments, from the same address (temporal.download names
 * an archive for an SDK version), with progress, time limits and without starting anything. Offline it fails quickly.
 */
import { createWriteStream } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { packageManifest } from "../config/project.ts";
import { megabytes, run, type Progress } from "./tools.ts";

const BASE_URL = "https://temporal.download";
/** Being offline shows within this; people who are online wait less than a second. */
const ASK_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 300_000;
const PROGRESS_EVERY_MS = 5_000;

const answer = z.object({ archiveUrl: z.string(), fileToExtract: z.string() });

export interface DownloadOptions {
  artifact: "cli" | "temporal-test-server";
  /** Where the executable goes. */
  target: string;
  log: Progress;
  /** Default temporal.download; tests have their own. */
  baseUrl?: string | undefined;
  askTimeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/** Puts the executable at `target`, atomically. Rejects with the reason; the caller tries the next way. */
export async function downloadExecutable(options: DownloadOptions): Promise<void> {
  const archive = await askForArchive(options);
  await mkdir(dirname(options.target), { recursive: true });
  const folder = await mkdtemp(`${options.target}.tmp-`);
  try {
    const file = join(folder, "archive.tar.gz");
    await fetchTo(archive.archiveUrl, file, options);
    await run({
      name: "tar",
      command: "tar",
      args: ["-xzf", file, "-C", folder, archive.fileToExtract],
      timeoutMs: 60_000,
    });
    const extracted = join(folder, archive.fileToExtract);
    await chmod(extracted, 0o755);
    await rename(extracted, options.target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function askForArchive(options: DownloadOptions): Promise<z.infer<typeof answer>> {
  const url = new URL(`${options.baseUrl ?? BASE_URL}/${options.artifact}/default`);
  url.search = new URLSearchParams({
    arch: process.arch === "arm64" ? "arm64" : "amd64",
    platform: process.platform === "darwin" ? "darwin" : "linux",
    format: "tar.gz",
    "sdk-name": "sdk-typescript",
    "sdk-version": packageManifest().dependencies["@temporalio/worker"] ?? "",
  }).toString();
  const reply = await fetch(url, { signal: within(options.askTimeoutMs ?? ASK_TIMEOUT_MS, options) });
  if (!reply.ok) throw new Error(`${url.host} answered ${reply.status}`);
  return answer.parse(await reply.json());
}

function within(ms: number, options: DownloadOptions): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  return options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
}

async function fetchTo(url: string, file: string, options: DownloadOptions): Promise<void> {
  const reply = await fetch(url, { signal: within(DOWNLOAD_TIMEOUT_MS, options) });
  if (!reply.ok || reply.body === null) throw new Error(`${new URL(url).host} answered ${reply.status}`);
  const total = Number(reply.headers.get("content-length") ?? 0);
  const of = total > 0 ? ` of ${megabytes(total)}` : "";
  options.log(`downloading ${url}${of}`);
  let received = 0;
  let lastSaid = performance.now();
  const body = Readable.fromWeb(reply.body);
  body.on("data", (chunk: Uint8Array) => {
    received += chunk.byteLength;
    if (performance.now() - lastSaid < PROGRESS_EVERY_MS) return;
    lastSaid = performance.now();
    options.log(`downloading: ${megabytes(received)}${of}`);
  });
  await pipeline(body, createWriteStream(file));
}
