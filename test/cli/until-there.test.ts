import { pino } from "pino";
import { describe, expect, test, vi } from "vitest";
import { untilThere } from "../../src/cli/process/until-there.ts";
import { TemporalUnreachable } from "../../src/config/temporal.ts";
import { UserError } from "../../src/config/user-error.ts";
import { RecordUnavailable } from "../../src/record/errors.ts";

const place = { host: "db", port: "5432", database: "selfheal" };
const log = pino({ level: "silent" });
const quick = { log, firstPauseMs: 1, longestPauseMs: 4 };
const unauthenticated = new TemporalUnreachable("no", Object.assign(new Error("16"), { code: 16 }));

describe("what is waited for at the start", () => {
  test.each([
    ["record", new RecordUnavailable(place, "nothing listens there")],
    ["temporal", new TemporalUnreachable("it does not answer", new Error("deadline"))],
  ])("%s that is away is asked until it is there, and each time it is said", async (system, away) => {
    let tries = 0;
    const waited: string[] = [];
    const onWait = (what: string, why: string): Promise<void> => {
      waited.push(`${what}: ${why}`);
      return Promise.resolve();
    };
    const answer = await untilThere(() => (++tries < 4 ? Promise.reject(away) : Promise.resolve("there")), {
      ...quick,
      stop: new AbortController().signal,
      onWait,
    });
    expect(answer).toBe("there");
    expect(waited).toEqual(new Array(3).fill(`${system}: ${away.message}`));
  });

  test.each([
    ["a wrong password", new RecordUnavailable(place, "no", { lasting: true })],
    ["a wrong API key", unauthenticated],
    ["a configuration that does not load", new UserError("no")],
    ["a bug", new TypeError("no")],
  ])("%s ends it at once", async (_, error) => {
    const attempt = vi.fn(() => Promise.reject(error));
    await expect(untilThere(attempt, { ...quick, stop: new AbortController().signal })).rejects.toBe(error);
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  test("a signal ends the waiting, also in the middle of a pause", async () => {
    const controller = new AbortController();
    const onWait = (): Promise<void> => {
      controller.abort();
      return Promise.resolve();
    };
    const away = new RecordUnavailable(place, "away");
    const waiting = untilThere(() => Promise.reject(away), {
      log,
      stop: controller.signal,
      onWait,
      firstPauseMs: 3_600_000,
    });
    await expect(waiting).rejects.toMatchObject({ message: "stopped", exitCode: 130 });
  });
});
