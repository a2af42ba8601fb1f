import { ScheduleAlreadyRunning, type Client } from "@temporalio/client";
import { expect, test, vi } from "vitest";
import { ensureSweepSchedule } from "../../src/watchers/schedule.ts";

/** As the SDK wraps what the server answers. */
function refusal(code: number): Error {
  const cause = Object.assign(new Error(`code ${code}`), { code, details: "", metadata: {} });
  return new Error("Failed to describe schedule", { cause });
}

function clientWhose(update: () => Promise<void>): Client {
  const create = () => Promise.reject(new ScheduleAlreadyRunning("it is there", "selfheal-sweep"));
  return { schedule: { create, getHandle: () => ({ update }) } } as unknown as Client;
}

test("a worker waits for a Temporal whose own workers are not up yet, and not for ever", async () => {
  const late = vi.fn<() => Promise<void>>().mockRejectedValueOnce(refusal(4)).mockRejectedValueOnce(refusal(4));
  late.mockResolvedValue();
  await ensureSweepSchedule(clientWhose(late));
  expect(late).toHaveBeenCalledTimes(3);
  const never = vi.fn(() => Promise.reject(refusal(4)));
  await expect(ensureSweepSchedule(clientWhose(never))).rejects.toThrow("Failed to describe schedule");
  expect(never).toHaveBeenCalledTimes(6);
});

test("any other refusal of the schedule is an error at once", async () => {
  const refused = vi.fn(() => Promise.reject(refusal(7)));
  await expect(ensureSweepSchedule(clientWhose(refused))).rejects.toThrow("Failed to describe schedule");
  expect(refused).toHaveBeenCalledTimes(1);
});
