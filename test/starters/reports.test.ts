import { describe, expect, it } from "vitest";
import type { Report } from "../../src/measures/report.ts";
import { Unavailable } from "../../src/starters/problems.ts";
import { ReportQueue } from "../../src/starters/reports.ts";

const REPORT = {} as Report;

/** Reports that are made when the test says so. */
function slowly() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<Report>((resolve) => ends.push(() => resolve(REPORT)));
  };
  const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  return { begun, ends, work, settle };
}

describe("reports over the API", () => {
  it("are made one at a time, and one that is asked for twice once", async () => {
    const queue = new ReportQueue();
    const { begun, ends, work, settle } = slowly();
    const asked = ["may", "may", "june", "may"].map((name) => queue.make(name, work(name)));
    await settle();
    expect(begun).toEqual(["may"]);
    ends[0]?.();
    await asked[0];
    await settle();
    expect(begun).toEqual(["may", "june"]);
    ends[1]?.();
    await Promise.all(asked);
    void queue.make("may", work("may again"));
    await settle();
    expect(begun).toEqual(["may", "june", "may again"]);
  });

  it("are refused beyond four with the word to come again, and one that fails is in nobody's way", async () => {
    const queue = new ReportQueue();
    const failing = queue.make("1", () => Promise.reject(new Error("no record")));
    const others = ["2", "3", "4"].map((name) => queue.make(name, () => Promise.resolve(REPORT)));
    expect(() => queue.make("5", () => Promise.resolve(REPORT))).toThrow(Unavailable);
    await expect(failing).rejects.toThrow("no record");
    await expect(Promise.all(others)).resolves.toHaveLength(3);
    await expect(queue.make("5", () => Promise.resolve(REPORT))).resolves.toBe(REPORT);
  });
});
