import { defineConfig } from "vitest/config";

/** The adapters' contract against real servers (`scripts/peers-install.sh`); what is not installed is skipped. */
export default defineConfig({
  test: {
    globals: false,
    include: ["test/peers/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
});
