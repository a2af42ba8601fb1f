import { describe, expect, it } from "vitest";
import { connect } from "node:net";
import { lookAtConnections } from "../../src/adapters/look.ts";
import { Secret } from "../../src/ports/secret.ts";

const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });

function outside(answer: (url: string) => Response) {
  const asked: string[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input);
    asked.push(`${init?.method ?? "GET"} ${new URL(url).pathname}`);
    return answer(url);
  };
  return { asked, outside: { fetch, connect, clock: { now: Date.now } } };
}

describe("a look at the connections", () => {
  it("counts a system that does not know the thing asked for as one that answers, and only reads", async () => {
    const it = outside(() => json(404, { error: "not found" }));
    const connections = {
      provisioner: { uses: "ironic", url: "http://ironic" },
      bmc: { uses: "redfish", url: "http://bmc" },
      tickets: { uses: "request-tracker", url: "http://rt", token: new Secret("the-token-of-rt") },
    } as const;
    const looks = await lookAtConnections(connections, it.outside);
    expect(looks.map(({ connection, fault }) => [connection, fault])).toEqual([
      ["tickets", null],
      ["provisioner", null],
      ["bmc", null],
    ]);
    expect(it.asked.every((line) => line.startsWith("GET "))).toBe(true);
  });

  it("says what is wrong, without the secret", async () => {
    const it = outside(() => json(401, { message: "the-token-of-rt is not known" }));
    const tickets = { uses: "request-tracker", url: "http://rt", token: new Secret("the-token-of-rt") } as const;
    const [look] = await lookAtConnections({ tickets, prometheus: { url: "http://p" } }, it.outside).then((all) =>
      all.toReversed(),
    );
    expect(look?.connection).toBe("tickets");
    expect(look?.fault).toMatch(/401/);
    expect(look?.fault).not.toContain("the-token-of-rt");
  });

  it("asks only what is configured, and never the people's notifier", async () => {
    const it = outside(() => json(200, {}));
    const looks = await lookAtConnections({ notify: { uses: "slack", url: new Secret("http://slack") } }, it.outside);
    expect(looks).toEqual([]);
    expect(it.asked).toEqual([]);
  });

  it.each([
    ["may look whether a message stands already", { ok: true, messages: [] }, null, null],
    ["lacks the scope for it", { ok: false, error: "missing_scope", needed: "groups:history" }, null, /groups:history/],
    ["is not in the channel", { ok: false, error: "channel_not_found" }, /channel_not_found/, null],
    ["is known no more", { ok: false, error: "invalid_auth" }, /invalid_auth/, null],
  ])("says of a Slack app that it %s, and posts nothing", async (_what, answer, fault, lacks) => {
    const it = outside(() => json(200, answer));
    const chat = { uses: "slack-app", token: new Secret("xoxb-1"), channel: "C0123456789" } as const;
    const [look, ...others] = await lookAtConnections({ channels: { chat } }, it.outside);
    expect(others).toEqual([]);
    expect(look?.connection).toBe("channels.chat");
    for (const [says, what] of [
      [look?.fault, fault],
      [look?.lacks, lacks],
    ] as const)
      if (what === null) expect(says).toBeNull();
      else expect(says).toMatch(what);
    expect(it.asked).toEqual(["GET /api/conversations.history"]);
  });
});
