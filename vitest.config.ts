import { defineConfig } from "vitest/config";

const shared = { globals: false, passWithNoTests: true } as const;

/** `pure` is fast and needs nothing; the others get PostgreSQL and Temporal servers from test/support. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "pure",
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/{record,workflows,integration,replay,peers,production,starters,workers,cli}/**",
            "test/crash/temporal-restored*",
            "test/watchers/sweep*",
          ],
          // Fast, but not on a machine whose cores are all busy.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          ...shared,
          name: "record",
          include: ["test/{record,starters}/**/*.test.ts", "test/watchers/sweep*.test.ts"],
          globalSetup: ["test/support/postgres-setup.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: "processes",
          include: ["test/{workers,cli}/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          name: "workflows",
          include: ["test/{workflows,replay}/**/*.test.ts"],
          globalSetup: ["test/support/postgres-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/support/postgres-setup.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
