import { describe, expect, it } from "vitest";
import { sourceSecrets } from "../../src/starters/source-tokens.ts";

const secrets = {
  env: { ALERTMANAGER_TOKEN: "from the environment", KEY: "signs bodies" },
  readFile: (path: string): string => {
    throw Object.assign(new Error(path), { code: "ENOENT" });
  },
};

describe("the secrets of alert sources", () => {
  it("are those that selfheal.yaml refers to", () => {
    const found = sourceSecrets({ alertmanager: { token: "env:ALERTMANAGER_TOKEN", hmac: "env:KEY" } }, secrets);
    expect(found["alertmanager"]?.token?.reveal()).toBe("from the environment");
    expect(found["alertmanager"]?.hmac?.reveal()).toBe("signs bodies");
  });

  it("may be left out, for the one of SELFHEAL_WEBHOOK_TOKEN", () => {
    expect(sourceSecrets({}, secrets)).toEqual({});
    expect(sourceSecrets({ alertmanager: {} }, secrets)).toEqual({ alertmanager: {} });
  });

  it.each([
    [
      "a variable that is not set",
      { alertmanager: { token: "env:NOT_SET" } },
      /sources\.alertmanager\.token: .*NOT_SET/,
    ],
    ["a key that is not set", { alertmanager: { hmac: "env:NOT_SET" } }, /sources\.alertmanager\.hmac: .*NOT_SET/],
    ["a file that is not there", { alertmanager: { token: "file:/no/file" } }, /\/no\/file cannot be read \(ENOENT\)/],
    ["a source that nobody knows", { alertmanger: {} }, /sources\.alertmanger: .* right would be alertmanager/],
  ])("stop the start in one line for %s", (_what, sources, message) => {
    expect(() => sourceSecrets(sources, secrets)).toThrow(message);
  });
});
