import { defineConfig } from "vitest/config";

/** The whole production topology, killed and restarted (`npm run production:test`). Skipped without its programs. */
export default defineConfig({
  test: {
    globals: false,
    include: ["test/production/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 180_000,
  },
});
