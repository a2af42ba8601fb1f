import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { controlCommands } from "../../src/cli/controls.ts";
import { tokenCommand } from "../../src/cli/token.ts";

const NOW = Date.parse("2026-11-21T10:10:00.000Z");
const PERSONAL = `selfheal_api_0123456789abcdef_${"x".repeat(43)}`;
let requests: { method: string; path: string; body: unknown; via: string | null }[];
let answer: unknown;
let printed: string;

beforeEach(() => {
  [requests, printed, answer] = [[], "", {}];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
});
afterEach(() => vi.restoreAllMocks());

const fakeFetch: typeof fetch = async (url, init) => {
  const body = typeof init?.body === "string" ? (JSON.parse(init.body) as unknown) : null;
  const via = new Headers(init?.headers).get("x-selfheal-via");
  requests.push({ method: init?.method ?? "GET", path: new URL(url).pathname, body, via });
  return new Response(JSON.stringify(answer), { status: 200 });
};

async function run(token: string, ...words: string[]): Promise<void> {
  const root = new Command("selfheal").option("--json").exitOverride();
  const options = { url: "http://api:1", token, outside: { fetch: fakeFetch, now: () => NOW, user: () => "root" } };
  for (const command of [tokenCommand(options), ...controlCommands(options)]) {
    for (const one of [command, ...command.commands]) one.exitOverride().configureOutput({ writeErr: () => undefined });
    root.addCommand(command);
  }
  await root.parseAsync(words, { from: "user" });
}

const made = {
  ...{ id: "0123456789abcdef", name: "ci", subject: "ci", roles: ["operator", "viewer"], groups: ["web"] },
  ...{ createdBy: "root", createdAt: "2026-11-21T10:00:00.000Z", expiresAt: "2026-12-21T10:00:00.000Z" },
  ...{ revokedAt: null, revokedBy: null, lastUsedAt: "2026-11-21T10:05:00.000Z", state: "inForce" },
};

describe("token", () => {
  test("create asks for roles and groups as often as they are given, and prints the secret on a line of its own", async () => {
    answer = { ...made, secret: PERSONAL };
    const words = ["--role", "operator", "--role", "viewer", "--group", "web", "--for", "30d"];
    await run(PERSONAL, "token", "create", "ci", ...words);
    const body = { name: "ci", subject: null, roles: ["operator", "viewer"], groups: ["web"], forMs: 2_592_000_000 };
    expect(requests).toEqual([{ method: "POST", path: "/v1/tokens", body, via: "cli" }]);
    expect(printed.split("\n").slice(0, 2)).toEqual([
      "token ci of ci: operator, viewer in web only, until 2026-12-21T10:00:00.000Z; it is shown this once:",
      PERSONAL,
    ]);
  });

  test.each([
    [["create", "ci"], "--role"],
    [["create", "ci", "--role", "root"], "viewer, operator, approver, admin"],
    [["create", "ci", "--role", "admin", "--for", "soon"], "a duration such as"],
  ])("refuses %o", async (words, why) => {
    await expect(run(PERSONAL, "token", ...words)).rejects.toThrow(why);
    expect(requests).toEqual([]);
  });

  test("list shows whose they are, where they reach and when they were used", async () => {
    answer = { tokens: [made, { ...made, name: "old", groups: null, lastUsedAt: null, state: "revoked" }] };
    await run(PERSONAL, "token", "list");
    expect(printed).toContain("ci    ci       in force  operator, viewer  web     2026-12-21T10:00:00.000Z  5m ago");
    expect(printed).toContain("old   ci       revoked   operator, viewer  all     2026-12-21T10:00:00.000Z  never");
  });

  test("revoke names the one that it ended", async () => {
    answer = made;
    await run(PERSONAL, "token", "revoke", "ci");
    expect(requests[0]).toMatchObject({ path: "/v1/tokens/revoke", body: { which: "ci" } });
    expect(printed).toBe("revoked: token ci of ci\n");
  });
});

describe("in whose name a command speaks", () => {
  const pause = ["pause", "global", "--reason", "x"];
  test.each([
    ["a token of one's own: whoever it belongs to", PERSONAL, pause, undefined],
    ["a JWT: whoever it names", "aaa.bbb.ccc", pause, undefined],
    ["the token that all share: the user of this machine", "shared-secret", pause, "root"],
    ["--by: what it says", PERSONAL, [...pause, "--by", "eve"], "eve"],
  ])("%s", async (_what, token, words, by) => {
    answer = { id: "p", scope: "global", until: null };
    await run(token, ...words);
    expect((requests[0]?.body as { by?: string }).by).toBe(by);
  });
});
