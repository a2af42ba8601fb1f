import { defineConfig } from "vitest/config";

/**
 * Waiting for a condition costs nothing when it holds early, so all limits here are for a machine that is ten times as
 * slow. A test that asserts how soon something happens says so itself.
 */
const shared = { globals: false, passWithNoTests: true } as const;
const pollFor = (ms: number) => ({ poll: { timeout: ms } });

/** What many files in one process have in common: its modules are loaded, and its code is compiled, once. */
const SHARED_PROCESS = { isolate: false } as const;

/** `pure` is fast and needs nothing; the others get PostgreSQL and Temporal servers from test/support. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "pure",
          ...SHARED_PROCESS,
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
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/support/postgres-setup.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          expect: pollFor(90_000),
        },
      },
    ],
  },
});
