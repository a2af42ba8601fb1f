import { describe, expect, it } from "vitest";
import { sourceTokens } from "../../src/starters/source-tokens.ts";

const secrets = {
  env: { ALERTMANAGER_TOKEN: "from the environment" },
  readFile: (path: string): string => {
    throw Object.assign(new Error(path), { code: "ENOENT" });
  },
};

describe("the tokens of alert sources", () => {
  it("are those that selfheal.yaml refers to", () => {
    const tokens = sourceTokens({ alertmanager: { token: "env:ALERTMANAGER_TOKEN" } }, secrets);
    expect(tokens["alertmanager"]?.reveal()).toBe("from the environment");
  });

  it("may be left out, for the one of SELFHEAL_WEBHOOK_TOKEN", () => {
    expect(sourceTokens({}, secrets)).toEqual({});
    expect(sourceTokens({ alertmanager: {} }, secrets)).toEqual({});
  });

  it.each([
    [
      "a variable that is not set",
      { alertmanager: { token: "env:NOT_SET" } },
      /sources\.alertmanager\.token: .*NOT_SET/,
    ],
    ["a file that is not there", { alertmanager: { token: "file:/no/file" } }, /\/no\/file cannot be read \(ENOENT\)/],
    ["a source that nobody knows", { alertmanger: {} }, /sources\.alertmanger: .* right would be alertmanager/],
  ])("stop the start in one line for %s", (_what, sources, message) => {
    expect(() => sourceTokens(sources, secrets)).toThrow(message);
  });
});
