import { afterEach, beforeEach, expect, it } from "vitest";
import { faultKey } from "../../src/contracts/ids.ts";
import { openSnapshots, type SnapshotReader } from "../../src/record/snapshot.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { admitted, anAlert, anIntent, aPlan, cap, closing, received } from "./builders.ts";

let database: TestDatabase;
let reader: SnapshotReader;
beforeEach(async () => {
  database = await createTestDatabase();
  reader = openSnapshots(database.url);
});
afterEach(async () => {
  await reader.end();
  await database.drop();
});

async function oneInFlight(): Promise<string> {
  const { record } = database;
  await record.receive([received(), received()]);
  const plan = aPlan({ caps: [cap("group:web", 2)] });
  const remediationId = await admitted(record, plan, { faults: [faultKey(anAlert())] });
  await record.beginEffect(anIntent(remediationId));
  return remediationId;
}

it("has everything that a reconciliation needs of a remediation in flight, and of one that closed", async () => {
  const { record } = database;
  expect(await reader.lastEntryAt()).toBeNull();
  const remediationId = await oneInFlight();
  const fault = faultKey(anAlert());
  const before = await reader.read();
  expect(before.alerts).toMatchObject([{ faultKey: fault, disposition: "received", times: 2, remediationId }]);
  expect(before.remediations).toMatchObject([
    { remediationId, openedFor: [fault], caps: [{ scope: "group:web", max: 2 }], closedAt: null, brokenChain: null },
  ]);
  expect(before.effects).toMatchObject([{ remediationId, state: "intent" }]);
  expect(before.leases).toContainEqual({ remediationId, scope: "group:web", state: "held" });
  const admission = { remediationId, admittedAt: expect.any(String) as string };
  expect(before.admissions).toMatchObject([{ ...admission, releasedAt: null }]);
  expect(before.admissions[0]?.scopes).toContain("group:web");
  expect(await reader.lastEntryAt()).toBeGreaterThan(Date.now() - 60_000);
  const end = { outcome: "escalated", needsHuman: true } as const;
  await record.close(closing(remediationId, { ...end, faults: [fault] }));
  const after = await reader.read();
  expect(after.remediations).toMatchObject([{ outcome: "escalated", brokenChain: null }]);
  expect(after.leases).toContainEqual({ remediationId, scope: "group:web", state: "orphaned" });
});

it("says which audit chain was changed by hand", async () => {
  await oneInFlight();
  // As a superuser who goes round the triggers.
  await database.sql(`do $$ begin
    set local session_replication_role = replica;
    update audit set body = '{}' where kind = 'effectIntended';
  end $$`);
  expect((await reader.read()).remediations[0]?.brokenChain).toContain("was changed");
});
