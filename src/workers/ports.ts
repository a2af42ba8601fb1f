/** TCP ports on this machine: which are free, and who holds one that is not. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { basename } from "node:path";
import { EXIT, UserError } from "../config/user-error.ts";

const LOW_PORTS = { from: 15_000, to: 32_000 };

/** A port that nobody listens on now. */
export function freePort(host = "127.0.0.1"): Promise<number> {
  return listenOnce(0, host);
}

/**
 * As `freePort`, but below what systems give to outgoing connections, for what must find its port free again after a
 * restart, or cannot hold a larger number.
 */
export async function freeLowPort(host = "127.0.0.1"): Promise<number> {
  for (;;) {
    const port = LOW_PORTS.from + Math.floor(Math.random() * (LOW_PORTS.to - LOW_PORTS.from));
    try {
      return await listenOnce(port, host);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
}

/**
 * `port`, or a free low one for 0: it is bound later, and bound again after a restart. A port in use is a UserError that says who holds it and which
 * option changes it.
 */
export async function claimPort(want: { port: number; what: string; option: string; host?: string }): Promise<number> {
  if (want.port === 0) return freeLowPort(want.host);
  try {
    return await listenOnce(want.port, want.host ?? "127.0.0.1");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EACCES") {
      throw new UserError(`port ${want.port} for ${want.what} needs root; choose another with ${want.option}`, {
        cause: error,
        exitCode: EXIT.unavailable,
      });
    }
    if (code !== "EADDRINUSE") throw error;
    const holder = portHolder(want.port);
    const by = holder === null ? `see who with: ss -ltnp 'sport = :${want.port}'` : `held by ${holder}`;
    throw new UserError(`port ${want.port} for ${want.what} is in use (${by}); choose another with ${want.option}`, {
      cause: error,
      exitCode: EXIT.unavailable,
    });
  }
}

function listenOnce(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const got = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(got));
    });
  });
}

/** `temporal (pid 4711)`; null where the system does not tell (not Linux, or another user's process). */
export function portHolder(port: number): string | null {
  try {
    const sockets = listeningSockets(port);
    if (sockets.size === 0) return null;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (holdsSocket(pid, sockets)) return `${basename(readlinkSync(`/proc/${pid}/exe`))} (pid ${pid})`;
    }
  } catch {
    // /proc is a convenience: without it the message says how to look.
  }
  return null;
}

const LISTEN = "0A";

function listeningSockets(port: number): Set<string> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => readFileSync(file, "utf8").split("\n").slice(1));
  const inodes = rows
    .map((row) => row.trim().split(/\s+/))
    .filter((cells) => cells[1]?.endsWith(`:${hexPort}`) === true && cells[3] === LISTEN)
    .map((cells) => `socket:[${cells[9] ?? ""}]`);
  return new Set(inodes);
}

function holdsSocket(pid: string, sockets: Set<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}
