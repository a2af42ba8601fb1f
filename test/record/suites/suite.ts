import { afterAll, beforeAll } from "vitest";
import type { TestDatabase } from "../../support/database.ts";

/** What a suite needs: a database of its own, on whatever server the suite runs against. */
export type Create = () => Promise<TestDatabase>;

/** The database of the enclosing `describe`, there while its tests run. */
export function databaseOf(create: Create): Omit<TestDatabase, "drop"> {
  let made: TestDatabase | null = null;
  beforeAll(async () => void (made = await create()));
  afterAll(() => made?.drop());
  const db = (): TestDatabase => {
    if (made === null) throw new Error("the database of a suite is there only while its tests run");
    return made;
  };
  return {
    get url() {
      return db().url;
    },
    get record() {
      return db().record;
    },
    setClock: (clock) => db().setClock(clock),
    sql: (text, parameters) => db().sql(text, parameters),
  };
}
