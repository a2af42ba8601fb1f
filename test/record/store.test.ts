/** The record on the PostgreSQL that selfheal brings along. */
import { createTestDatabase } from "../support/database.ts";
import { storeSuite } from "./suites/store.ts";

storeSuite("the embedded PostgreSQL 18", () => createTestDatabase());
