import { describe, expect, it } from "vitest";
import { prometheus } from "../../src/adapters/prometheus/metrics.ts";
import type { Outside } from "../../src/ports/ports.ts";

const SPAN = { from: 1_000_000, to: 1_600_000, points: 61 };
let asked: URLSearchParams;

function portThatAnswers(status: number, body: unknown) {
  const outside = {
    fetch: async (url: string | URL | Request) => {
      asked = new URL(url instanceof Request ? url.url : url).searchParams;
      return Response.json(body, { status });
    },
    clock: { now: () => 0 },
  } as unknown as Outside;
  return prometheus({ url: "http://prometheus:9090", outside });
}

const matrix = (...series: [number, string][][]) => {
  const result = series.map((values) => ({ metric: {}, values }));
  return { status: "success", data: { resultType: "matrix", result } };
};

describe("a series over time", () => {
  it("has a point for each finite value, and asks for no more points than wanted", async () => {
    const port = portThatAnswers(
      200,
      matrix([
        [1000, "1"],
        [1010, "NaN"],
        [1020.5, "2.5"],
      ]),
    );
    const read = await port.range("up", SPAN);
    expect(read).toEqual({
      ok: true,
      points: [
        { at: 1_000_000, value: 1 },
        { at: 1_020_500, value: 2.5 },
      ],
    });
    expect(Object.fromEntries(asked)).toEqual({ query: "up", start: "1000", end: "1600", step: "10" });
  });

  it.each([
    ["no series", 200, matrix()],
    ["2 series where one was meant", 200, matrix([[1, "1"]], [[1, "1"]])],
    ["bad_data", 400, { status: "error", errorType: "bad_data", error: "parse error: bad_data" }],
    ["", 200, { status: "success", data: { resultType: "vector", result: [] } }],
  ])("is none, with the reason (%s) and the query", async (reason, status, body) => {
    const read = await portThatAnswers(status, body).range("up{", SPAN);
    expect(read).toMatchObject({ ok: false });
    if (!read.ok) expect(read.reason).toContain(reason);
    if (!read.ok) expect(read.reason).toContain("up{");
  });
});
