import { defineConfig } from "vitest/config";

/**
 * Waiting for a condition costs nothing when it holds early, so all limits here are for a machine that is ten times as
 * slow. A test that asserts how soon something happens says so itself.
 */
const shared = { globals: false, passWithNoTests: true } as const;
const pollFor = (ms: number) => ({ poll: { timeout: ms } });

/** Each file has whole systems of its own, waits most of the time, and what it asserts stands in real time. */
const FEW = 2;
/** What many files in one process have in common: its modules are loaded, and its code is compiled, once. */
const SHARED_PROCESS = { isolate: false } as const;
/** Which comes when, of those that one vitest runs; Vitest also wants one for each number of workers. */
const turn = (groupOrder: number) => ({ sequence: { groupOrder } });

/** `pure` is fast and needs nothing; the others get PostgreSQL and Temporal servers from test/support. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "pure",
          ...SHARED_PROCESS,
          ...turn(3),
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/{record,workflows,integration,replay,peers,production,starters,workers,cli}/**",
            "test/crash/temporal-restored*",
            "test/watchers/sweep*",
          ],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: pollFor(30_000),
        },
      },
      {
        test: {
          ...shared,
          name: "record",
          ...turn(5),
          include: ["test/{record,starters}/**/*.test.ts", "test/watchers/sweep*.test.ts"],
          globalSetup: ["test/support/postgres-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          expect: pollFor(30_000),
        },
      },
      {
        test: {
          ...shared,
          name: "processes",
          ...turn(2),
          maxWorkers: FEW,
          include: ["test/{workers,cli}/**/*.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          expect: pollFor(60_000),
        },
      },
      {
        test: {
          ...shared,
          name: "workflows",
          ...SHARED_PROCESS,
          ...turn(4),
          include: ["test/{workflows,replay}/**/*.test.ts"],
          globalSetup: ["test/support/postgres-setup.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: pollFor(60_000),
        },
      },
      {
        test: {
          ...shared,
          name: "integration",
          ...turn(1),
          maxWorkers: FEW,
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/support/postgres-setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          expect: pollFor(90_000),
        },
      },
    ],
  },
});
