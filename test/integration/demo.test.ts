/** What a newcomer runs first: every part of it must end as it says. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { projectPath } from "../../src/config/project.ts";

const run = promisify(execFile);

it("selfheal demo --once ends with status 0, every host as expected", async () => {
  const args = ["--json", "demo", "--once", "--port", "0", "--temporal-port", "0"];
  const { stdout, stderr } = await run(projectPath("bin/selfheal"), args);
  const { endings } = JSON.parse(stdout) as { endings: Record<string, unknown>[] };
  expect(endings.map(({ expected, outcome, asExpected }) => ({ expected, outcome, asExpected }))).toEqual(
    ["healed", "escalated", "healed", "refused", "nothing", "healed"].map((outcome) => {
      return { expected: outcome, outcome, asExpected: true };
    }),
  );
  // How to approve is shown to whoever watches.
  expect(stderr).toMatch(/waits for a person: bin\/selfheal remediation approve \S+ --by ada/);
});
