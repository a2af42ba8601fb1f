import { afterAll, beforeAll, expect, it } from "vitest";
import { compilePlan } from "../../src/catalogue/compile.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { activate } from "../../src/starters/active-catalogue.ts";
import { alertOf, catalogueOf, COLLECTED, CONFIG, edited } from "../catalogue/support.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function standingFor(catalogue: Catalogue): Promise<{ maxCount: number } | null> {
  const { inventory, runbooks, actions } = catalogue;
  const compiled = compilePlan(catalogue, runbooks[0]!, inventory.targets[0]!, [alertOf()], COLLECTED, actions);
  if (!("plan" in compiled)) throw new Error(compiled.detail);
  return (await db.record.countedFacts("x", compiled.plan, compiled.planHash)).counted.standing;
}

it("a standing approval that was taken out of selfheal.yaml, or says less now, counts no more", async () => {
  const plain = catalogueOf();
  const textOf = (maxCount: number): string =>
    `${CONFIG}standingApprovals: [{ runbook: disk, runbookHash: ${plain.runbooks[0]?.hash}, group: web, expires: 2100-01-01, maxCount: ${maxCount}, by: anna }]\n`;
  const declaring = (maxCount: number): Catalogue => catalogueOf({ config: textOf(maxCount) });
  await activate(db.record, declaring(50), null);
  expect(await standingFor(plain)).toMatchObject({ maxCount: 50 });
  await activate(db.record, declaring(5), null);
  expect(await standingFor(plain)).toMatchObject({ maxCount: 5 });
  expect(await db.record.standing()).toHaveLength(1);
  const runbooks = [edited("within: 2h", "within: 3h")];
  await activate(db.record, catalogueOf({ config: textOf(5), runbooks }), null);
  // A plan that waits since before the edit of the runbook keeps its approval.
  expect(await standingFor(plain)).toMatchObject({ maxCount: 5 });
  await activate(db.record, plain, null);
  expect(await standingFor(plain)).toBeNull();
  await activate(db.record, declaring(5), null);
  expect(await standingFor(plain)).toMatchObject({ maxCount: 5 });
});
