/** `selfheal rehearse` end to end: the product on a lab, a fault on one host, none on another, the books compared. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { projectPath } from "../../src/config/project.ts";

const run = promisify(execFile);

it("rehearses the runbook of the example folder: healed where nothing strikes, a named end under a fault, nothing broken", async () => {
  const args = ["--json", "rehearse", "disk-replacement", "--faults", "none,wrong-disk", "--time-scale", "1200"];
  const { stdout } = await run(projectPath("bin/selfheal"), args);
  const [rehearsal, ...others] = JSON.parse(stdout) as {
    passed: boolean;
    standIns: string[];
    seeds: { ended: { strike: string; outcome: string }[]; broken: string[] }[];
  }[];
  expect(others).toEqual([]);
  expect(rehearsal).toMatchObject({ passed: true, standIns: ["probes.service.ready", "slis.pool-errors"] });
  const [{ ended, broken } = { ended: [], broken: ["no seed"] }] = rehearsal?.seeds ?? [];
  expect(broken).toEqual([]);
  expect(ended.map(({ strike, outcome }) => `${strike} ${outcome}`)).toEqual(["none healed", "wrong-disk escalated"]);
});
