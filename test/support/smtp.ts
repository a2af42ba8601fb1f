/** An SMTP server that keeps what it is sent (RFC 5321, with AUTH PLAIN), or refuses as it is told. */
import { createServer, type AddressInfo, type Socket } from "node:net";

export interface SmtpStub {
  port: number;
  mails: string[];
  /** The user of the last AUTH PLAIN. */
  user: string | null;
  close(): void;
}

/** `refuse`: by the verb of a command, the reply to it. `silent`: it does not even greet. */
export async function smtpStub(refuse: Record<string, string> = {}, silent = false): Promise<SmtpStub> {
  const open = new Set<Socket>();
  const stub: SmtpStub = { port: 0, mails: [], user: null, close: () => undefined };
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    if (silent) return;
    let mail: string[] | null = null;
    let rest = "";
    const answer = (line: string): void => void socket.write(`${line}\r\n`);
    const take = (line: string): void => {
      if (mail !== null) {
        if (line !== ".") return void mail.push(line.replace(/^\.\./, "."));
        stub.mails.push(mail.join("\n"));
        mail = null;
        return void answer("250 queued");
      }
      const verb = line.split(" ")[0]?.toUpperCase() ?? "";
      if (refuse[verb] !== undefined) return void answer(refuse[verb]);
      if (verb === "STARTTLS") return void answer("502 not here");
      if (verb === "EHLO") return void answer("250-stub\r\n250 AUTH PLAIN");
      if (verb === "AUTH") {
        stub.user =
          Buffer.from(line.split(" ")[2] ?? "", "base64")
            .toString()
            .split("\0")[1] ?? null;
        return void answer("235 welcome");
      }
      if (verb === "DATA") {
        mail = [];
        return void answer("354 go on");
      }
      answer(verb === "QUIT" ? "221 bye" : "250 ok");
    };
    socket.on("data", (chunk) => {
      const lines = (rest + chunk.toString()).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
    });
    answer("220 stub ESMTP");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stub.port = (server.address() as AddressInfo).port;
  stub.close = () => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return stub;
}
