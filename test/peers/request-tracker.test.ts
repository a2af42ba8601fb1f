import { execFileSync } from "node:child_process";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requestTracker } from "../../src/adapters/request-tracker/tickets.ts";
import { Secret } from "../../src/ports/secret.ts";
import { ticketContract, type TicketPeer } from "../adapters/contract/tickets.suite.ts";
import { answers, freePort, installed, outside, start, temporaryFolder } from "./support/process.ts";

const server = installed("request-tracker", "/usr/share/request-tracker5/libexec/rt-server");
const emptyDatabase = installed("request-tracker's database", "/var/lib/dbconfig-common/sqlite3/request-tracker5/rtdb");

/** A token for root and a queue, made by RT's own library: REST 2 cannot make the first token. */
const SEED = `
use lib '/usr/share/request-tracker5/lib'; use RT; RT->LoadConfig; RT->Init; require RT::AuthToken;
my $user = RT::User->new(RT->SystemUser); $user->Load('root');
my ($ok, $msg, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $user->Id, Description => 'selfheal');
RT::Queue->new(RT->SystemUser)->Create(Name => 'datacenter');
print "token=$token\\n";`;

interface RequestTrackerPeer extends TicketPeer {
  url: string;
  put: (id: string, change: object) => Promise<void>;
}

async function startRequestTracker(): Promise<RequestTrackerPeer> {
  const folder = await temporaryFolder("rt");
  const port = await freePort();
  const database = `${folder.path}/rtdb`;
  await copyFile(emptyDatabase ?? "", database);
  for (const one of ["empty", "mason", "sessions"]) await mkdir(`${folder.path}/${one}`);
  await writeFile(`${folder.path}/site.pm`, site(folder.path, port));
  const env = { RT_SITE_CONFIG: `${folder.path}/site.pm`, RT_SITE_CONFIG_DIR: `${folder.path}/empty` };
  const seeded = execFileSync("perl", ["-e", SEED], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const token = /token=(\S+)/.exec(seeded.toString())?.[1] ?? "";
  const url = `http://127.0.0.1:${port}`;
  const authorization = { authorization: `token ${token}` };
  const ready = (): Promise<void> => answers(`${url}/REST/2.0/queues/all`, { headers: authorization });
  const args = ["--server", "Standalone", "--host", "127.0.0.1", "--port", String(port)];
  const running = await start(server ?? "", args, { env, ready });
  const put = (id: string, change: object): Promise<void> => {
    const headers = { ...authorization, "content-type": "application/json" };
    return answers(`${url}/REST/2.0/ticket/${id}`, { method: "PUT", headers, body: JSON.stringify(change) });
  };
  return {
    port: requestTracker({ url, token: new Secret(token), outside }),
    url,
    queue: "datacenter",
    put,
    personSets: (id, Status) => put(id, { Status }),
    async close() {
      await running.stop();
      await folder.remove();
    },
  };
}

function site(folder: string, port: number): string {
  return `
Set($rtname, 'selfheal.test'); Set($Organization, 'selfheal.test');
Set($WebDomain, '127.0.0.1'); Set($WebPort, ${port}); Set($WebPath, '');
Set($Timezone, 'UTC');
Set($DatabaseType, 'SQLite'); Set($DatabaseName, '${folder}/rtdb');
Set($LogToSyslog, undef); Set($LogToSTDERR, 'error');
Set($MasonDataDir, '${folder}/mason'); Set($MasonSessionDir, '${folder}/sessions');
Set($MailCommand, 'testfile');
1;
`;
}

describe.skipIf(server === null || emptyDatabase === null)("request-tracker", () => {
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
