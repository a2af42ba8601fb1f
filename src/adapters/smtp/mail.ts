import { createHash } from "node:crypto";
import { createTransport } from "nodemailer";
import type { FailureClass } from "../../contracts/failures.ts";
import type { ChannelPort, Outside, Posting } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { CHANNEL_TIMEOUT_MS, Guarded, type Attempt } from "../guarded.ts";
import { describeError } from "../network.ts";

export interface MailOptions {
  host: string;
  /** Default 465 with `tls: implicit`, else 587. */
  port?: number | undefined;
  /** `implicit`: from the first byte. `starttls`: needed before anything is said. `none`: for a relay on this machine. */
  tls?: "implicit" | "starttls" | "none" | undefined;
  user?: string | undefined;
  password?: Secret | undefined;
  from: string;
  to: readonly string[];
  outside: Outside;
  timeoutMs?: number;
}

/** More goes to and fro than for a request. Four that hang still fit into the 30 s of telling people. */
const MAIL_TIMEOUT_MS = 1.5 * CHANNEL_TIMEOUT_MS;

/**
 * E-mail by SMTP. A thread's reference is the Message-ID of its first mail, which later ones refer to. Message-IDs are
 * made of the message's key, so that a mailbox can tell a repeat.
 */
export function mail(options: MailOptions): ChannelPort {
  const { outside, from, to, password, timeoutMs = MAIL_TIMEOUT_MS } = options;
  const secrets = password === undefined ? [] : [password];
  const guarded = new Guarded({ system: "smtp", clock: outside.clock, timeoutMs, secrets });
  const domain = /@([^>\s]+)>?\s*$/.exec(from)?.[1] ?? "localhost";
  return {
    async post(posting, thread) {
      const messageId = `<${createHash("sha256").update(posting.key).digest("hex").slice(0, 32)}@${domain}>`;
      const about = thread === null ? {} : { inReplyTo: thread, references: [thread] };
      const content = { from, to: [...to], subject: subjectOf(posting), text: `${posting.text}\n\n${posting.key}\n` };
      await guarded.run("send", "write", (attempt) =>
        deliver(options, guarded, attempt, { ...content, messageId, ...about }),
      );
      return thread ?? messageId;
    },
  };
}

const PREFIX = { page: "[page] ", ticket: "[ticket] ", message: "" } as const;

function subjectOf({ route, title }: Posting): string {
  return `${PREFIX[route]}${title.replace(/\s+/g, " ")}`.slice(0, 250);
}

interface Mail {
  from: string;
  to: string[];
  subject: string;
  text: string;
  messageId: string;
}

/** A connection for each mail: they are few, and one that was kept would have to be watched. */
async function deliver(options: MailOptions, guarded: Guarded, attempt: Attempt, content: Mail): Promise<void> {
  const { host, user, password, tls = "starttls", outside } = options;
  const port = options.port ?? (tls === "implicit" ? 465 : 587);
  const socket = outside.connect({ host, port });
  // Whoever listens to it besides may have gone when it breaks.
  socket.on("error", () => undefined);
  const cut = (): void => void socket.destroy();
  attempt.signal.addEventListener("abort", cut, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const transport = createTransport({
      ...{ host, port, secure: tls === "implicit", requireTLS: tls === "starttls", ignoreTLS: tls === "none" },
      ...(user === undefined || password === undefined ? {} : { auth: { user, pass: password.reveal() } }),
      // A mail is text that we made: nothing is fetched for it.
      ...{ disableFileAccess: true, disableUrlAccess: true },
      getSocket: (_, done) => done(null, { connection: socket }),
    });
    attempt.sending();
    await transport.sendMail(content);
  } catch (error) {
    const failure = failureOf(error);
    throw failure === null ? error : guarded.fail(failure, "send", describeError(error));
  } finally {
    attempt.signal.removeEventListener("abort", cut);
    socket.destroy();
  }
}

/** By the server's reply (RFC 5321): 4xx may pass by waiting, 5xx never, and either way nothing was taken. null: no reply. */
function failureOf(error: unknown): FailureClass | null {
  const { responseCode, code } = error as { responseCode?: unknown; code?: unknown };
  if (typeof responseCode === "number" && responseCode >= 400) return responseCode >= 500 ? "permanent" : "transient";
  // No TLS, or no login: nothing was said yet.
  return code === "ETLS" || code === "EAUTH" || code === "EENVELOPE" ? "permanent" : null;
}
