import type { TestDatabase } from "../../support/database.ts";

/** What a suite needs: a database of its own, on whatever server the suite runs against. */
export type Create = () => Promise<TestDatabase>;
