/** Debian's Request Tracker 5 on SQLite, with a queue `datacenter` and a token of root. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { answers, freePort, installed, printed, start, temporaryFolder } from "./process.ts";

const server = installed("request-tracker", "/usr/share/request-tracker5/libexec/rt-server");
const emptyDatabase = installed("request-tracker's database", "/var/lib/dbconfig-common/sqlite3/request-tracker5/rtdb");
export const requestTrackerInstalled = server !== null && emptyDatabase !== null;

/** A token for root and a queue, made by RT's own library: REST 2 cannot make the first token. */
const SEED = `
use lib '/usr/share/request-tracker5/lib'; use RT; RT->LoadConfig; RT->Init; require RT::AuthToken;
my $user = RT::User->new(RT->SystemUser); $user->Load('root');
my ($ok, $msg, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $user->Id, Description => 'selfheal');
RT::Queue->new(RT->SystemUser)->Create(Name => 'datacenter');
print "token=$token\\n";`;

export interface RequestTrackerServer {
  url: string;
  token: string;
  /** What a person does to a ticket. */
  put(id: string, change: object): Promise<void>;
  /** Reads below `/REST/2.0`. */
  read(path: string): Promise<unknown>;
  close(): Promise<void>;
}

export async function startRequestTrackerServer(): Promise<RequestTrackerServer> {
  const folder = await temporaryFolder("rt");
  const port = await freePort();
  const database = `${folder.path}/rtdb`;
  await copyFile(emptyDatabase ?? "", database);
  for (const one of ["empty", "mason", "sessions"]) await mkdir(`${folder.path}/${one}`);
  await writeFile(`${folder.path}/site.pm`, site(folder.path, port));
  const env = { RT_SITE_CONFIG: `${folder.path}/site.pm`, RT_SITE_CONFIG_DIR: `${folder.path}/empty` };
  const token = /token=(\S+)/.exec(await printed("perl", ["-e", SEED], env))?.[1] ?? "";
  const url = `http://127.0.0.1:${port}`;
  const authorization = { authorization: `token ${token}` };
  const ready = (): Promise<void> => answers(`${url}/REST/2.0/queues/all`, { headers: authorization });
  const args = ["--server", "Standalone", "--host", "127.0.0.1", "--port", String(port)];
  const running = await start(server ?? "", args, { env, ready });
  return {
    url,
    token,
    put: (id, change) => {
      const headers = { ...authorization, "content-type": "application/json" };
      // RT takes its time over a change when the machine is busy.
      const signal = AbortSignal.timeout(30_000);
      return answers(`${url}/REST/2.0/ticket/${id}`, { method: "PUT", headers, body: JSON.stringify(change), signal });
    },
    read: async (path) => (await fetch(`${url}/REST/2.0${path}`, { headers: authorization })).json(),
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
