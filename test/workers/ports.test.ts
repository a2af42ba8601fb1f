import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { claimPort, freePort } from "../../src/workers/ports.ts";

let server: Server | undefined;
afterEach(() => server?.close());

test("a free port can be claimed", async () => {
  const port = await freePort();
  expect(await claimPort({ port, what: "Temporal", option: "--temporal-port" })).toBe(port);
});

test("a free port that somebody binds later is none that connections are given meanwhile", async () => {
  const port = await claimPort({ port: 0, what: "the API", option: "--port" });
  expect(port).toBeGreaterThanOrEqual(15_000);
  expect(port).toBeLessThan(32_000);
});

test("a port in use is refused with the port, its holder and the option that changes it", async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const claim = claimPort({ port, what: "Temporal's Web UI", option: "--ui-port" });
  await expect(claim).rejects.toThrow(
    new RegExp(`^port ${port} for Temporal's Web UI is in use \\(.+\\); choose another with --ui-port$`),
  );
  await expect(claim).rejects.toThrow(process.platform === "linux" ? `(pid ${process.pid})` : "ss -ltnp");
});
