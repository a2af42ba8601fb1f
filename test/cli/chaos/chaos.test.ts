import { expect, test } from "vitest";
import { chaos, type ChaosReport, type Killable } from "../../../src/cli/chaos/chaos.ts";
import { chaosSchedule, type Kill } from "../../../src/cli/chaos/schedule.ts";

const VICTIMS = ["worker", "API", "Temporal", "database"];

function take(seed: number, count: number): Kill[] {
  const schedule = chaosSchedule({ seed, victims: VICTIMS, everyMs: 10_000 });
  return Array.from({ length: count }, () => schedule.next().value);
}

test("the same seed gives the same schedule, another one gives another", () => {
  expect(take(7, 40)).toEqual(take(7, 40));
  expect(take(7, 40)).not.toEqual(take(8, 40));
});

test("every round kills each victim once, in changing order, with gaps around the mean", () => {
  const kills = take(1, 400);
  const rounds = Array.from({ length: 100 }, (_, round) => kills.slice(4 * round, 4 * round + 4));
  for (const round of rounds) expect(round.map(({ victim }) => victim).sort()).toEqual([...VICTIMS].sort());
  expect(new Set(rounds.map((round) => round.map(({ victim }) => victim).join())).size).toBeGreaterThan(10);
  for (const { afterMs } of kills) expect(afterMs).toBeGreaterThanOrEqual(5_000);
  for (const { afterMs } of kills) expect(afterMs).toBeLessThanOrEqual(15_000);
});

test("a schedule without anything to kill is an error, not an endless loop", () => {
  expect(() => chaosSchedule({ seed: 1, victims: [], everyMs: 1 }).next()).toThrow("something that can be killed");
});

function recorder(): { said: string[]; report: ChaosReport } {
  const said: string[] = [];
  return {
    said,
    report: {
      onKill: (victim) => said.push(`kill ${victim}`),
      onBack: (victim) => said.push(`back ${victim}`),
      onWork: (victim) => said.push(`work ${victim}`),
      onSkip: (victim) => said.push(`skip ${victim}`),
    },
  };
}

test("what is on its way back is not killed again, and work that fails to show is asked for again", async () => {
  const { said, report } = recorder();
  const stop = new AbortController();
  const back = Promise.withResolvers<boolean>();
  let asked = 0;
  const worker: Killable = {
    name: "worker",
    pid: 1,
    kill: () => back.promise,
    worksSince: () => (++asked === 1 ? Promise.reject(new Error("the database is away")) : Promise.resolve(true)),
  };
  const api: Killable = {
    name: "API",
    pid: 2,
    kill: () => (back.resolve(true), Promise.resolve(true)),
    worksSince: () => Promise.resolve(true),
  };
  const schedule = ["worker", "worker", "API"].map((victim) => ({ afterMs: 0, victim }));
  const recoveries = await chaos(schedule, [worker, api], report, stop.signal);
  expect(said.slice(0, 3)).toEqual(["kill worker", "skip worker", "kill API"]);
  expect(recoveries.map(({ victim, pid }) => `${victim} ${pid}`).sort()).toEqual(["API 2", "worker 1"]);
  for (const { backMs, workMs } of recoveries) expect(workMs).toBeGreaterThanOrEqual(backMs);
  expect(asked).toBe(2);
});

test("a stop ends the waiting, and says that no work was seen", async () => {
  const { report } = recorder();
  const stop = new AbortController();
  const worker: Killable = {
    name: "worker",
    pid: 1,
    kill: () => Promise.resolve(true),
    worksSince: () => (stop.abort(), Promise.resolve(false)),
  };
  const endless = chaosSchedule({ seed: 1, victims: ["worker"], everyMs: 1 });
  expect(await chaos(endless, [worker], report, stop.signal)).toMatchObject([{ victim: "worker", workMs: null }]);
});

test("what will not come back is no recovery", async () => {
  const { report } = recorder();
  const gone: Killable = {
    name: "API",
    pid: 1,
    kill: () => Promise.resolve(false),
    worksSince: () => Promise.resolve(true),
  };
  expect(await chaos([{ afterMs: 0, victim: "API" }], [gone], report, new AbortController().signal)).toEqual([]);
});
