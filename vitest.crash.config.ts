import { defineConfig } from "vitest/config";

/** Minutes of SIGKILLs on real processes: the whole crash-window matrix, twice the hosts under a cap, and a Temporal that is not the one before. */
export default defineConfig({
  test: {
    include: ["test/integration/{cap,crash-points,interventions}.test.ts", "test/crash/temporal-restored.test.ts"],
    globalSetup: ["test/support/postgres-setup.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 90_000 } },
  },
});
