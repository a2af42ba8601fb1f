/** Exim, a real mail server: STARTTLS and TLS from the first byte, login, refusals, and a Maildir of what it took. */
import { chown, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { eventually, freePort, installed, printed, start, temporaryFolder } from "./process.ts";

export const exim = installed("exim", "/usr/sbin/exim4");

export const USER = "selfheal";
export const PASSWORD = "correct-horse";

export interface EximPeer {
  /** Of a connection that begins in clear text, and of one that is TLS from the first byte. */
  port: number;
  tlsPort: number;
  /** The certificate that it shows, as PEM: its own authority. */
  certificate: string;
  /** What was delivered with this in it, a copy for each recipient; waits until there are so many. */
  mails(having: string, count: number): Promise<string[]>;
  close(): Promise<void>;
}

export async function startExim(): Promise<EximPeer> {
  const folder = await temporaryFolder("exim");
  const [port, tlsPort] = [await freePort(), await freePort()];
  const at = (name: string): string => join(folder.path, name);
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  const named = ["-addext", "subjectAltName=DNS:localhost"];
  await printed("openssl", [...request, ...named, "-keyout", at("key.pem"), "-out", at("cert.pem")]);
  for (const name of ["spool", "mail"]) await mkdir(at(name));
  await writeFile(at("exim.conf"), configuration(folder.path, port, tlsPort));
  await handOver(folder.path);
  const greets = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", reject).once("data", () => {
        socket.end();
        resolve();
      });
    });
  const server = await start(exim ?? "", ["-C", at("exim.conf"), "-bdf", "-q1m"], { ready: greets });
  const delivered = async (): Promise<string[]> => {
    const names = await readdir(at("mail/new")).catch((): string[] => []);
    return Promise.all(names.sort().map((name) => readFile(at(`mail/new/${name}`), "utf8")));
  };
  return {
    ...{ port, tlsPort, certificate: await readFile(at("cert.pem"), "utf8") },
    mails: (having, count) =>
      eventually(async () => {
        const found = (await delivered()).filter((text) => text.includes(having));
        if (found.length < count) throw new Error(`${found.length} of ${count} mails\n${server.output()}`);
        return found;
      }),
    async close() {
      await server.stop();
      await folder.remove();
    },
  };
}

/** Started by root with a configuration of ours, Exim goes on as its own user. */
async function handOver(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const [user, group] = (
    await Promise.all([printed("id", ["-u", "Debian-exim"]), printed("id", ["-g", "Debian-exim"])])
  ).map(Number);
  for (const name of [".", "spool", "mail", "cert.pem", "key.pem"])
    await chown(join(folder, name), user ?? 0, group ?? 0);
}

/** `later@` is put off, as by greylisting; who has not logged in reaches nobody; others are delivered into one Maildir. */
function configuration(folder: string, port: number, tlsPort: number): string {
  return `
spool_directory = ${folder}/spool
log_file_path = ${folder}/spool/%slog
pid_file_path = ${folder}/spool/pid
primary_hostname = mail.example.net
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port} : ${tlsPort}
tls_on_connect_ports = ${tlsPort}
tls_advertise_hosts = *
tls_certificate = ${folder}/cert.pem
tls_privatekey = ${folder}/key.pem
auth_advertise_hosts = \${if def:tls_in_cipher {*}}
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny    !authenticated = *
          message = log in first
  defer   local_parts = later
          message = greylisted, come again
  accept  local_parts = sre : oncall
  deny    message = no such mailbox
begin routers
everybody:
  driver = accept
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  directory = ${folder}/mail
  maildir_format
  envelope_to_add
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{${USER}}}{eq{$auth3}{${PASSWORD}}}}}
  server_set_id = $auth2
`;
}
