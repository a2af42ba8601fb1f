import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cacheFolder, childEnv, ENV_SCHEMA, readEnv, secretFromEnv, temporalEnv } from "../../src/config/env.ts";
import { temporalSettings } from "../../src/config/temporal.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "selfheal-env-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the environment", () => {
  test("an empty variable is an unset one", () => {
    expect(readEnv({ DATABASE_URL: "", SELFHEAL_PORT: "", SELFHEAL_LOG_LEVEL: "" })).toMatchObject({
      DATABASE_URL: undefined,
      SELFHEAL_PORT: undefined,
      SELFHEAL_LOG_LEVEL: "info",
    });
  });

  test.each([
    ["SELFHEAL_PORT", "eighty"],
    ["SELFHEAL_PORT", "70000"],
    ["SELFHEAL_LOG_LEVEL", "loud"],
    ["SELFHEAL_SHUTDOWN_GRACE_SECONDS", "0"],
    ["DATABASE_URL", "mysql://root:hunter2@db/selfheal"],
  ])("a bad %s is named, without its value", (name, value) => {
    expect(() => readEnv({ [name]: value })).toThrow(new RegExp(`^environment variable ${name}: (?!.*hunter2)`));
  });

  test("a secret may come from the file that NAME_FILE names; one that cannot be read is an error", () => {
    const file = join(folder, "url");
    writeFileSync(file, "postgres://u:p@db/selfheal\n");
    expect(readEnv({ DATABASE_URL_FILE: file }).DATABASE_URL).toBe("postgres://u:p@db/selfheal");
    expect(secretFromEnv("RT_TOKEN", { RT_TOKEN_FILE: file })).toBe("postgres://u:p@db/selfheal");
    expect(secretFromEnv("RT_TOKEN", { RT_TOKEN: "" })).toBeNull();
    expect(() => readEnv({ DATABASE_URL_FILE: join(folder, "nothing") })).toThrow(/DATABASE_URL_FILE: ENOENT/);
  });

  test("every variable of ours says what it is for", () => {
    const ours = Object.entries(ENV_SCHEMA.shape).filter(([name]) => /^(SELFHEAL|TEMPORAL|DATABASE)_/.test(name));
    expect(ours.filter(([, schema]) => schema.description === undefined)).toEqual([]);
  });

  test("a child gets ours with the changes; undefined takes a variable out", () => {
    expect(childEnv({ A: "2", B: undefined }, { A: "1", B: "1", C: "1" })).toEqual({ A: "2", C: "1" });
  });

  test("the cache lies where XDG says, else in the home", () => {
    expect(cacheFolder(readEnv({ XDG_CACHE_HOME: "/c" }))).toBe("/c/selfheal");
    expect(cacheFolder(readEnv({ HOME: "/home/me" }))).toBe("/home/me/.cache/selfheal");
  });
});

describe("how Temporal is reached", () => {
  test("without any configuration: the local default", () => {
    const settings = temporalSettings({ HOME: folder });
    expect(settings).toMatchObject({ address: "127.0.0.1:7233", namespace: "default" });
  });

  test("by variables, where an API key switches TLS on", () => {
    const { address, namespace, connection } = temporalSettings({
      HOME: folder,
      TEMPORAL_ADDRESS: "cloud:7233",
      TEMPORAL_NAMESPACE: "ours",
      TEMPORAL_API_KEY: "k",
    });
    expect({ address, namespace }).toEqual({ address: "cloud:7233", namespace: "ours" });
    expect(connection).toMatchObject({ apiKey: "k", tls: true });
  });

  test("by a profile of the configuration file; one that cannot be read is an error that says where it was looked for", () => {
    const file = join(folder, "temporal.toml");
    writeFileSync(file, '[profile.prod]\naddress = "prod:7233"\nnamespace = "p"\n');
    const source = { HOME: folder, TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: "prod" };
    expect(temporalSettings(source)).toMatchObject({ address: "prod:7233", namespace: "p" });
    writeFileSync(file, "[profile");
    expect(() => temporalSettings(source)).toThrow(
      /^Temporal's configuration \(TEMPORAL_\* variables, TEMPORAL_CONFIG_FILE\)/,
    );
  });

  test("no other variable reaches Temporal's configuration", () => {
    expect(temporalEnv({ TEMPORAL_ADDRESS: "a:1", DATABASE_URL: "x", TEMPORAL_TLS: "" })).toEqual({
      TEMPORAL_ADDRESS: "a:1",
    });
  });
});
