/** The headline of recovery: everything is killed with work in flight, and afterwards all books agree. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { ChaosResult } from "../../src/cli/demo/play-chaos.ts";
import { projectPath } from "../../src/config/project.ts";

const run = promisify(execFile);
/** A run takes a minute; a machine with other work makes every restart slow. */
const PATIENCE_MS = 5 * 60_000;

it(
  "worker, API, Temporal and database are each killed while hosts heal; nothing is lost, doubled or left behind",
  { timeout: PATIENCE_MS },
  async () => {
    const options = ["--once", "--hosts", "4", "--time-scale", "200", "--kill-every", "6", "--seed", "3"];
    const args = ["--json", "demo", "--chaos", ...options, "--port", "0", "--temporal-port", "0"];
    const { stdout } = await run(projectPath("bin/selfheal"), args, { maxBuffer: 10_000_000 });
    const { recoveries, reconciliation } = JSON.parse(stdout) as ChaosResult;
    expect(new Set(recoveries.map(({ victim }) => victim))).toEqual(new Set(["worker", "API", "Temporal", "database"]));
    expect(reconciliation?.ok).toBe(true);
    const figures = Object.fromEntries(reconciliation?.checks.map((one) => [one.check, one.figures]) ?? []);
    // A reconciliation of nothing would agree too.
    expect(figures["faults"]).toBe("4 faults, 4 remediations");
    expect(figures["leases"]).toBe("0 leases, 0 in the queue, 0 waits");
  },
);
