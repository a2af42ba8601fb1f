/** `npm run check`: every check, whatever the others say, with a count at the end. */
import { spawnSync } from "node:child_process";

const CHECKS = ["lint", "types", "format:check", "arch", "dead", "replay:across"];

const failed = CHECKS.filter((name) => {
  const start = performance.now();
  const { status } = spawnSync("npm", ["run", "--silent", name], { stdio: ["ignore", "inherit", "inherit"] });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`check ${name}: ${status === 0 ? "ok" : "FAILED"} (${seconds} s)`);
  return status !== 0;
});
console.log(`checks: ${CHECKS.length - failed.length} passed, ${failed.length} failed`);
if (failed.length > 0) process.exitCode = 1;
