import { beforeEach, describe, expect, test } from "vitest";
import { controlCommands } from "../../src/cli/controls.ts";
import { tokenCommand } from "../../src/cli/token.ts";
import { fakeApi } from "./support/fake-api.ts";

const PERSONAL = `selfheal_api_0123456789abcdef_${"x".repeat(43)}`;
const api = fakeApi((options) => [tokenCommand(options), ...controlCommands(options)]);

const made = {
  ...{ id: "0123456789abcdef", name: "ci", subject: "ci", roles: ["operator", "viewer"], groups: ["web"] },
  ...{ createdBy: "root", createdAt: "2026-11-21T10:00:00.000Z", expiresAt: "2026-12-21T10:00:00.000Z" },
  ...{ revokedAt: null, revokedBy: null, lastUsedAt: "2026-11-21T10:05:00.000Z", state: "inForce" },
};

describe("token", () => {
  beforeEach(() => void (api.token = PERSONAL));

  test("create asks for roles and groups as often as they are given, and prints the secret on a line of its own", async () => {
    api.answer = { ...made, secret: PERSONAL };
    const words = ["--role", "operator", "--role", "viewer", "--group", "web", "--for", "30d"];
    await api.run("token", "create", "ci", ...words);
    const body = { name: "ci", subject: null, roles: ["operator", "viewer"], groups: ["web"], forMs: 2_592_000_000 };
    expect(api.requests).toEqual([{ method: "POST", path: "/v1/tokens", body }]);
    expect(api.ways).toEqual(["cli"]);
    expect(api.printed.split("\n").slice(0, 2)).toEqual([
      "token ci of ci: operator, viewer in web only, until 2026-12-21T10:00:00.000Z; it is shown this once:",
      PERSONAL,
    ]);
  });

  test.each([
    [["create", "ci"], "--role"],
    [["create", "ci", "--role", "root"], "viewer, operator, approver, admin"],
    [["create", "ci", "--role", "admin", "--for", "soon"], "a duration such as"],
  ])("refuses %o", async (words, why) => {
    await expect(api.run("token", ...words)).rejects.toThrow(why);
    expect(api.requests).toEqual([]);
  });

  test("list shows whose they are, where they reach and when they were used", async () => {
    api.answer = { tokens: [made, { ...made, name: "old", groups: null, lastUsedAt: null, state: "revoked" }] };
    await api.run("token", "list");
    expect(api.printed).toContain(
      "ci    ci       in force  operator, viewer  web     2026-12-21T10:00:00.000Z  5m ago",
    );
    // The header and one line each: names come from people, and may not break a line.
    expect(api.printed.trimEnd().split("\n")).toHaveLength(3);
    expect(api.printed).toContain("old   ci       revoked   operator, viewer  all     2026-12-21T10:00:00.000Z  never");
  });

  test("revoke names the one that it ended", async () => {
    api.answer = made;
    await api.run("token", "revoke", "ci");
    expect(api.requests[0]).toMatchObject({ path: "/v1/tokens/revoke", body: { which: "ci" } });
    expect(api.printed).toBe("revoked: token ci of ci\n");
  });
});

describe("in whose name a command speaks", () => {
  const pause = ["pause", "global", "--reason", "x"];
  test.each([
    ["a token of one's own: whoever it belongs to", PERSONAL, pause, undefined],
    ["a JWT: whoever it names", "aaa.bbb.ccc", pause, undefined],
    ["the token that all share: the user of this machine", "shared-secret", pause, "ada"],
    ["--by: what it says", PERSONAL, [...pause, "--by", "eve"], "eve"],
  ])("%s", async (_what, token, words, by) => {
    api.token = token;
    api.answer = { id: "p", scope: "global", until: null };
    await api.run(...words);
    expect((api.requests[0]?.body as { by?: string }).by).toBe(by);
  });
});
