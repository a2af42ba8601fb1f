import { describe, expect, it } from "vitest";
import { missingToProblems, resolveSecrets } from "../../src/catalogue/secrets.ts";
import { formatProblem } from "../../src/catalogue/problems.ts";
import type { Secret } from "../../src/ports/secret.ts";

const SOURCE = {
  env: { RT_TOKEN: "hunter2", EMPTY: "" },
  readFile: (path: string): string => {
    if (path === "/run/secrets/chat") return "https://chat.example/hook\n";
    if (path === "/run/secrets/empty") return "\n";
    throw Object.assign(new Error("no such file: hunter3"), { code: "ENOENT" });
  },
};

describe("resolveSecrets", () => {
  it("puts a Secret for every reference and leaves the rest", () => {
    const { value, missing } = resolveSecrets(
      { a: { token: "env:RT_TOKEN", url: "http://x" }, b: ["file:/run/secrets/chat"] },
      SOURCE,
    );
    expect(missing).toEqual([]);
    const { a, b } = value as { a: { token: Secret; url: string }; b: [Secret] };
    expect(a.token.reveal()).toBe("hunter2");
    expect(a.url).toBe("http://x");
    expect(b[0].reveal()).toBe("https://chat.example/hook");
    expect(JSON.stringify(value)).not.toContain("hunter2");
  });

  it("follows NAME_FILE where NAME is not set, and says which file cannot be read", () => {
    const env = {
      CHAT_FILE: "/run/secrets/chat",
      GONE_FILE: "/nowhere",
      RT_TOKEN: "hunter2",
      RT_TOKEN_FILE: "/nowhere",
    };
    const { value, missing } = resolveSecrets({ a: "env:CHAT", b: "env:RT_TOKEN", c: "env:GONE" }, { ...SOURCE, env });
    const { a, b } = value as { a: Secret; b: Secret };
    expect([a.reveal(), b.reveal()]).toEqual(["https://chat.example/hook", "hunter2"]);
    expect(missing).toMatchObject([{ path: ["c"], message: "the file /nowhere cannot be read (ENOENT)" }]);
  });

  it("names what is missing, and never a value", () => {
    const references = {
      a: "env:NOT_SET",
      b: "env:EMPTY",
      c: "file:/nowhere",
      d: ["file:/run/secrets/empty"],
      e: "env:toString",
    };
    const { missing } = resolveSecrets(references, SOURCE, ["connections"]);
    const lines = missingToProblems(missing, null).map(formatProblem);
    expect(lines).toEqual([
      "selfheal.yaml connections.a: the environment variable NOT_SET is not set, set NOT_SET",
      "selfheal.yaml connections.b: the environment variable EMPTY is empty, set EMPTY",
      "selfheal.yaml connections.c: the file /nowhere cannot be read (ENOENT), a file that this user may read",
      "selfheal.yaml connections.d[0]: the file /run/secrets/empty is empty, the secret as its only line",
      "selfheal.yaml connections.e: the environment variable toString is not set, set toString",
    ]);
  });
});
