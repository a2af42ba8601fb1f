/** Real servers for the peers tests: on loopback, on free ports, in a folder of their own, stopped at the end. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Outside } from "../../../src/ports/ports.ts";

/** For a server that binds it later. */
export { freeLowPort as freePort } from "../../../src/workers/ports.ts";

export const outside: Outside = { fetch, connect: (options) => connect(options), clock: { now: () => Date.now() } };

export const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "selfheal");

/** The first of these files that exists; else null, with a line that says what is skipped. */
export function installed(peer: string, ...paths: string[]): string | null {
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) console.log(`peers: ${peer} is not installed (scripts/peers-install.sh): skipped`);
  return found ?? null;
}

/** A server of the test's own on a free port. */
export async function serve(listener: RequestListener): Promise<{ address: string; url: string; close(): void }> {
  const server = createHttpServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { address, url: `http://${address}`, close };
}

export async function temporaryFolder(peer: string): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `selfheal-${peer}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

const execute = promisify(execFile);

/**
 * What a command prints. It is waited for without standing in the way of the others that come up meanwhile: their
 * deadlines run on.
 */
export async function printed(command: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await execute(command, args, { env: { ...process.env, ...env }, maxBuffer: 16 * 1024 * 1024 });
  return stdout.trim();
}

export interface Running {
  output(): string;
  stop(): Promise<void>;
}

/** Starts a server and waits until `ready` does not throw; rejects with its output when it does not come up. */
export async function start(
  command: string,
  args: string[],
  options: {
    cwd?: string;
    env?: Record<string, string>;
    ready: () => Promise<unknown>;
    withinMs?: number;
    /** How long a clean stop may take before SIGKILL; default 3,000. */
    stopWithinMs?: number;
  },
): Promise<Running> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  const running = { output: () => output, stop: () => stop(child, kill, options.stopWithinMs ?? 3_000) };
  try {
    await eventually(options.ready, options.withinMs ?? 30_000, () => child.exitCode !== null);
  } catch (error) {
    await running.stop();
    throw new Error(`${command} did not come up: ${String(error)}\n${output}`);
  }
  return running;
}

async function stop(child: ChildProcess, kill: () => boolean, withinMs: number): Promise<void> {
  process.removeListener("exit", kill);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const hard = setTimeout(kill, withinMs);
  await ended;
  clearTimeout(hard);
}

/** Tries again every 100 ms until it does not throw. */
export async function eventually<T>(look: () => Promise<T>, withinMs = 10_000, hopeless = () => false): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > until || hopeless()) throw error;
      await sleep(100);
    }
  }
}

export async function answers(url: string, init?: RequestInit): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000), ...init });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}
