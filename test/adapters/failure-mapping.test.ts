import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { FailureClass } from "../../src/contracts/failures.ts";
import { deadPort, failureOf, httpStub, type Reply } from "./support.ts";
import { READS, WRITES, type VendorCall } from "./vendors.ts";

interface Row {
  when: string;
  reply: Reply;
  write: FailureClass;
  read: FailureClass;
  retryAfterMs?: number;
}

const TABLE: Row[] = [
  { when: "the connection is reset before an answer", reply: "reset", write: "ambiguous", read: "transient" },
  { when: "nothing is answered in time", reply: "silent", write: "ambiguous", read: "transient" },
  { when: "500", reply: { status: 500 }, write: "ambiguous", read: "transient" },
  {
    when: "502 of a proxy",
    reply: { status: 502, body: "<h1>Bad Gateway</h1>" },
    write: "ambiguous",
    read: "transient",
  },
  { when: "503 that does not say when", reply: { status: 503 }, write: "ambiguous", read: "transient" },
  {
    when: "503 with Retry-After",
    reply: { status: 503, headers: { "retry-after": "7" } },
    write: "transient",
    read: "transient",
    retryAfterMs: 7_000,
  },
  { when: "429", reply: { status: 429 }, write: "transient", read: "transient" },
  {
    when: "429 with Retry-After",
    reply: { status: 429, headers: { "retry-after": "3" } },
    write: "transient",
    read: "transient",
    retryAfterMs: 3_000,
  },
  { when: "400", reply: { status: 400, body: { message: "no" } }, write: "permanent", read: "permanent" },
  { when: "401", reply: { status: 401 }, write: "permanent", read: "permanent" },
  { when: "403", reply: { status: 403 }, write: "permanent", read: "permanent" },
  {
    when: "a redirect",
    reply: { status: 301, headers: { location: "https://other/" } },
    write: "permanent",
    read: "permanent",
  },
];

/** Rows about the body, for calls that read it. */
const BODIES: Row[] = [
  { when: "the answer is cut off", reply: "cut", write: "ambiguous", read: "transient" },
  { when: "200 that is not JSON", reply: { body: "<html>Login" }, write: "ambiguous", read: "transient" },
];

async function against(vendor: VendorCall, reply: Reply) {
  const stub = await httpStub((request) => (vendor.meant(request) ? reply : vendor.well(request)));
  try {
    return await failureOf(vendor.call(stub.url));
  } finally {
    stub.close();
  }
}

for (const [kind, calls] of [
  ["write", WRITES],
  ["read", READS],
] as const) {
  for (const vendor of calls) {
    describe(`${kind} ${vendor.name}`, () => {
      // Of a write it may be all that there is to say.
      it.runIf(kind === "read" && vendor.readsBody)(
        "takes 200 without a body for no answer, not for nothing there",
        async () => {
          expect((await against(vendor, { body: "" })).failure).toBe("permanent");
        },
      );

      for (const row of vendor.readsBody ? [...TABLE, ...BODIES] : TABLE) {
        it(`is ${row[kind]} when: ${row.when}`, async () => {
          const failure = await against(vendor, row.reply);
          expect(failure).toMatchObject({ failure: row[kind], retryAfterMs: row.retryAfterMs });
        });
      }

      it("is transient when the connection is refused: nothing left", async () => {
        const failure = await failureOf(vendor.call(`http://127.0.0.1:${await deadPort()}`));
        expect(failure.failure).toBe("transient");
      });

      it("never shows the beginning of a secret where a long answer is cut", async () => {
        for (const secret of vendor.secrets) {
          const message = `${"x".repeat(200 - secret.length + 2)}${secret}`;
          const { message: shown } = await against(vendor, { status: 400, body: { message } });
          expect(shown).not.toContain(secret.slice(0, 6));
        }
      });

      it("never shows a secret, not even one that the vendor sends back", async () => {
        const message = `bad token ${vendor.secrets.join(" or ")}`;
        const failure = await against(vendor, { status: 400, body: { message } });
        const dead = await failureOf(vendor.call(`http://127.0.0.1:${await deadPort()}`));
        for (const one of [failure, dead]) {
          const shown = `${one.message} ${one.stack} ${JSON.stringify(one)} ${inspect(one, { depth: 9 })}`;
          for (const secret of vendor.secrets) expect(shown).not.toContain(secret);
        }
      });
    });
  }
}
