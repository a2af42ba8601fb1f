/** The only thing in the product that kills its own process: it must take two deliberate acts, and strike once. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { crashPoints } from "../../src/cli/process/crash-points.ts";
import { readEnv } from "../../src/config/env.ts";

const fixture = new URL("fixtures/dies-at-a-point.ts", import.meta.url).pathname;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "selfheal-crash-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const hookIn = (value?: string) =>
  crashPoints(readEnv(value === undefined ? {} : { SELFHEAL_CRASH_FOLDER: value }), pino({ level: "silent" }));
const pass = () => spawnSync(process.execPath, [fixture, folder], { encoding: "utf8" });

it("is not there without its variable", () => {
  expect(hookIn()).toBeUndefined();
});

it("refuses a folder that is not there", () => {
  expect(() => hookIn(join(folder, "nowhere"))).toThrow(
    /SELFHEAL_CRASH_FOLDER: there is no folder .*nowhere; unset it/,
  );
});

it("does nothing at a point that no file arms", () => {
  writeFileSync(join(folder, "ingest.signalled@heal:host:web-1"), "");
  const { status, stdout } = pass();
  expect([status, stdout]).toEqual([0, "alive\n"]);
});

it("dies by SIGKILL at an armed point, and lives there the next time", () => {
  writeFileSync(join(folder, "ingest.received@heal:host:web-1"), "");
  expect(pass()).toMatchObject({ signal: "SIGKILL", stdout: "" });
  expect(readdirSync(folder)).toEqual(["ingest.received@heal:host:web-1.struck"]);
  expect(pass()).toMatchObject({ status: 0, stdout: "alive\n" });
});
