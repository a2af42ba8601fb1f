import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requestTracker } from "../../src/adapters/request-tracker/tickets.ts";
import { Secret } from "../../src/ports/secret.ts";
import { ticketContract, type TicketPeer } from "../adapters/contract/tickets.suite.ts";
import { outside } from "./support/process.ts";
import { requestTrackerInstalled, startRequestTrackerServer } from "./support/request-tracker.ts";

interface RequestTrackerPeer extends TicketPeer {
  url: string;
  put: (id: string, change: object) => Promise<void>;
}

async function startRequestTracker(): Promise<RequestTrackerPeer> {
  const server = await startRequestTrackerServer();
  const { url } = server;
  return {
    port: requestTracker({ url, token: new Secret(server.token), outside }),
    url,
    queue: "datacenter",
    put: (id, change) => server.put(id, change),
    personSets: (id, Status) => server.put(id, { Status }),
    close: () => server.close(),
  };
}

describe.skipIf(!requestTrackerInstalled)("request-tracker", () => {
  ticketContract("Request Tracker 5", startRequestTracker);

  describe("what people do with tickets", () => {
    let peer: RequestTrackerPeer;
    beforeAll(async () => {
      peer = await startRequestTracker();
    });
    afterAll(() => peer?.close());
    const open = (key: string) => peer.port.open({ key, queue: peer.queue, subject: "s", body: "b" });

    it("sees a ticket that was merged into another under its own number, with the other's status", async () => {
      const [a, b] = [await open("rem/merged/a"), await open("rem/merged/b")];
      await peer.put(a.id, { MergeInto: b.id });
      await peer.put(b.id, { Status: "resolved" });
      expect(await peer.port.getMany([a.id, b.id])).toMatchObject([
        { id: b.id, status: "resolved" },
        { id: a.id, status: "resolved" },
      ]);
    });

    it("sees a deleted ticket as rejected", async () => {
      const { id } = await open("rem/deleted");
      await peer.put(id, { Status: "deleted" });
      expect(await peer.port.getMany([id])).toMatchObject([{ id, status: "rejected", rawStatus: "deleted" }]);
    });

    it("leaves a deleted ticket alone, and says permanent for a token that RT does not know", async () => {
      const { id } = await open("rem/refused");
      await peer.put(id, { Status: "deleted" });
      // The default life cycle has no way from deleted to rejected, and both count as rejected: nothing to do.
      await peer.port.setStatus(id, "rejected", "rem/refused/undo", "withdrawn");
      const wrong = requestTracker({ url: peer.url, token: new Secret("1-14-wrong"), outside });
      await expect(wrong.get(id)).rejects.toMatchObject({ failure: "permanent" });
    });
  });
});
