/** The least that a webhook can be: parses the body and answers one result for each alert. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { announceReady } from "../../src/cli/process/ready.ts";
import { stopOnSignals } from "../../src/cli/process/signals.ts";

interface Body {
  alerts: { fingerprint: string; status: string; startsAt: string }[];
}

const stop = stopOnSignals();
const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    const { alerts } = JSON.parse(Buffer.concat(chunks).toString()) as Body;
    const results = alerts.map(({ fingerprint, status, startsAt }) => ({ fingerprint, status, startsAt }));
    outgoing.writeHead(200, { "content-type": "application/json" });
    outgoing.end(JSON.stringify({ accepted: 0, duplicates: alerts.length, results }));
  });
});
server.listen(0, "127.0.0.1", () => {
  announceReady({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
await stop.requested;
server.close();
server.closeAllConnections();
