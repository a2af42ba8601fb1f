/** Mail through a real server. */
import * as tls from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mail, type MailOptions } from "../../src/adapters/smtp/mail.ts";
import type { Posting } from "../../src/ports/ports.ts";
import { Secret } from "../../src/ports/secret.ts";
import { failureOf } from "../adapters/support.ts";
import { exim, PASSWORD, startExim, USER, type EximPeer } from "./support/exim.ts";
import { outside } from "./support/process.ts";

const posting: Posting = {
  ...{ key: "r1/approval", route: "message", title: "web-1: needs an approval – bitte", text: "Waits.\n.\nStill." },
  ...{ remediationId: "r1", severity: "warning", source: "web-1", standing: null },
};
const page: Posting = { ...posting, key: "r1/end", route: "page", title: "web-1: escalated" };

describe.skipIf(exim === null)("mail through Exim", () => {
  let peer: EximPeer;
  const before = tls.getCACertificates("default");
  beforeAll(async () => {
    peer = await startExim();
    tls.setDefaultCACertificates([...before, peer.certificate]);
  });
  afterAll(async () => {
    tls.setDefaultCACertificates(before);
    await peer.close();
  });
  const through = (more: Partial<MailOptions> = {}) =>
    mail({
      ...{ host: "localhost", port: peer.port, from: "selfheal <selfheal@example.net>", to: ["sre@example.net"] },
      ...{ user: USER, password: new Secret(PASSWORD), outside, ...more },
    });

  it("is delivered over STARTTLS after a login: one thread by its references, each line as it was", async () => {
    const port = through({ to: ["sre@example.net", "oncall@example.net"] });
    const thread = await port.post(posting, null);
    expect(await port.post(page, thread)).toBe(thread);
    const copies = await peer.mails(`Message-ID: ${thread}`, 2);
    const recipients = copies.map((text) => /^Envelope-to: (.+)$/m.exec(text)?.[1]);
    expect(recipients.sort()).toEqual(["oncall@example.net", "sre@example.net"]);
    const [first = ""] = copies;
    expect(first).toMatch(/with esmtpsa .*TLS1\.3/);
    expect(first).toMatch(/Subject: =\?UTF-8\?/);
    expect(first).toContain("Waits.\n.\nStill.\n\nr1/approval");
    const [reply] = await peer.mails(`In-Reply-To: ${thread}`, 2);
    expect(reply).toContain("Subject: [page] web-1: escalated");
    expect(reply).toContain(`References: ${thread}`);
  });

  it("is delivered over TLS from the first byte", async () => {
    const thread = await through({ tls: "implicit", port: peer.tlsPort }).post({ ...page, key: "r2/end" }, null);
    expect((await peer.mails(`Message-ID: ${thread}`, 1))[0]).toMatch(/with esmtpsa/);
  });

  it.each([
    ["a mailbox that is not there", { to: ["nobody@example.net"] }, "permanent", "no such mailbox"],
    ["one that is put off", { to: ["later@example.net"] }, "transient", "greylisted"],
    ["a wrong password", { password: new Secret("wrong-horse") }, "permanent", "535"],
    ["no login", { user: undefined, password: undefined }, "permanent", "log in first"],
    ["a login that is offered in TLS alone", { tls: "none" as const }, "permanent", ""],
    ["a name that the certificate does not have", { host: "127.0.0.1" }, "", "certificate"],
  ])("of %s it says so, and shows no password", async (_what, more, failure, says) => {
    const found = await failureOf(through(more).post({ ...page, key: "r3/end" }, null));
    expect(found.message).toContain(says);
    if (failure !== "") expect(found.failure).toBe(failure);
    expect(`${found.message} ${found.stack}`).not.toMatch(/horse|c2VsZmhlYWw/);
  });
});
