/** A database that is brought back from a backup, on the real PostgreSQL: copied while it was older, then put in its place. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { openRecord } from "../../src/record/record.ts";
import { pulse, type RecordMark } from "../../src/watchers/pulse.ts";
import { admitted, anIntent, aPlan, hashOfPlan } from "../record/builders.ts";
import { SweepRig } from "./sweep-support.ts";

let rig: SweepRig;
let copies: string[];
beforeEach(async () => {
  rig = await SweepRig.create();
  copies = [];
});
afterEach(async () => {
  await rig.db.drop();
  for (const name of copies) await server(`drop database if exists ${name} with (force)`);
});

async function server(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject("postgresUrl") });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** Nobody may be connected to what is copied, as with a snapshot of a server that was stopped. */
async function copyOf(url: string): Promise<string> {
  const name = `copy_${randomUUID().replaceAll("-", "")}`;
  const source = new URL(url).pathname.slice(1);
  await server(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${source}'`);
  await server(`create database ${name} template ${source}`);
  copies.push(name);
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

const mark = (): RecordMark => rig.deps().mark;

test("a record that was restored to before the last sweep starts in review mode, until a person has looked", async () => {
  await rig.sweep();
  const backup = await copyOf(rig.db.url);
  const plan = aPlan({ target: "web-1" });
  const acted = await admitted(rig.record, plan);
  await rig.record.beginEffect(anIntent(acted));
  await rig.sweep();
  expect((await rig.record.countedFacts("next", plan, hashOfPlan(plan))).counted.attempts).toBe(1);

  const restored = await openRecord(backup);
  // What makes it dangerous: it does not know that it acted.
  expect((await restored.countedFacts("next", plan, hashOfPlan(plan))).counted.attempts).toBe(0);
  expect(await pulse(restored, mark())).toEqual({ restored: true });
  expect(await restored.modes()).toMatchObject([{ scope: "global", mode: "review", by: "selfheal" }]);
  expect(await pulse(restored, mark())).toEqual({ restored: false });
  const word = { scope: "global", declared: null, runbookHash: null, by: "ann", reason: "looked", about: {} };
  await restored.setMode({ ...word, mode: null });
  expect(await pulse(restored, mark())).toEqual({ restored: false });
  expect(await restored.modes()).toEqual([]);
  await restored.end();
});

test("so does an empty record beside a Temporal that knew another, and the sweeper pages it until a person says so", async () => {
  rig.marked = 1_000;
  const findings = async () => (await rig.sweep()).found.filter((one) => one.code === "RECORD_RESTORED");
  expect(await findings()).toMatchObject([{ severity: "page", part: "pulse" }]);
  expect(await findings()).toHaveLength(1);
  expect(rig.sent.filter((one) => one.title.includes("RECORD_RESTORED"))).toHaveLength(1);
  expect((await rig.look()).found.map((one) => one.code)).toContain("RECORD_RESTORED");
  const word = { scope: "global", declared: null, runbookHash: null, by: "ann", reason: "looked", about: {} };
  await rig.record.setMode({ ...word, mode: null });
  expect(await findings()).toEqual([]);
});

test("crashes between record and Temporal, and looking alone, are no restore", async () => {
  const failing: RecordMark = { ...mark(), write: () => Promise.reject(new Error("Temporal is away")) };
  await expect(pulse(rig.record, failing)).rejects.toThrow("away");
  await rig.look();
  expect(await Promise.all([1, 2, 3].map(() => pulse(rig.record, mark())))).toEqual(
    [1, 2, 3].map(() => ({ restored: false })),
  );
  expect(await rig.record.modes()).toEqual([]);
});

test("nothing beats while another Temporal answers: its mark is not about this record", async () => {
  await rig.sweep();
  rig.temporal.namespaceId = "theirs";
  await rig.record.pinTemporal({ namespaceId: "ours", namespace: "default", address: "a" });
  rig.marked = 1_000;
  await rig.sweep();
  expect(await rig.record.modes()).toEqual([]);
});
