/** `selfheal try` on the lab's Prometheus and Alertmanager: what fires is found, and nothing is changed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import { activeAlerts } from "../../src/adapters/alertmanager/active.ts";
import { firedAlerts, type Fired } from "../../src/adapters/prometheus/fired.ts";
import { DEFAULT_ASSUMPTIONS } from "../../src/backtest/assumptions.ts";
import { tryOut, type FiredAlert } from "../../src/backtest/try/try.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { startLab, type Lab } from "../../src/lab/lab.ts";
import type { Outside } from "../../src/ports/ports.ts";
import { BEGIN, HOUR_MS, MINUTE_MS } from "./support.ts";

const STEP_MS = 60_000;

async function all(fired: AsyncIterable<Fired>): Promise<Fired[]> {
  const found: Fired[] = [];
  for await (const one of fired) found.push(one);
  return found;
}

/** A Prometheus in which each series fired in these spans, minutes since the beginning; answers hold at most `most` samples. */
function prometheusOf(
  series: Record<string, [number, number][]>,
  most = 11_000,
): { outside: Outside; asked: number[] } {
  const asked: number[] = [];
  const answer = (url: string): Response => {
    const query = new URL(url).searchParams;
    const number = (name: string): number => Number(query.get(name)) * 1000;
    const [start, end, step] = [number("start"), number("end"), number("step")];
    asked.push((end - start) / MINUTE_MS);
    const result = Object.entries(series).map(([alertname, spans]) => {
      const values: [number, string][] = [];
      for (let at = start; at <= end; at += step) {
        const minute = (at - BEGIN) / MINUTE_MS;
        if (spans.some(([from, to]) => minute >= from && minute < to)) values.push([at / 1000, "1"]);
      }
      return { metric: { __name__: "ALERTS", alertstate: "firing", alertname, host: "web-1" }, values };
    });
    if (result.some(({ values }) => values.length > most)) {
      return Response.json(
        { status: "error", errorType: "execution", error: "query processing would load too many samples" },
        { status: 422 },
      );
    }
    return Response.json({
      status: "success",
      data: { resultType: "matrix", result: result.filter(({ values }) => values.length > 0) },
    });
  };
  const fetch = (url: string | URL | Request) =>
    Promise.resolve(answer(url instanceof Request ? url.url : String(url)));
  return {
    asked,
    outside: {
      fetch,
      connect: () => {
        throw new Error("no sockets");
      },
      clock: { now: () => BEGIN },
    },
  };
}

describe("what fired, from the ALERTS series", () => {
  const span = { url: "http://prometheus", from: BEGIN, to: BEGIN + 24 * HOUR_MS, stepMs: STEP_MS };
  const minutes = ({ labels, startsAt, endsAt }: Fired) => [
    labels["alertname"],
    (startsAt - BEGIN) / MINUTE_MS,
    endsAt === null ? null : (endsAt - BEGIN) / MINUTE_MS,
  ];

  it("is one alert across chunks and short gaps, and two across a long one", async () => {
    const { outside, asked } = prometheusOf({
      Long: [[10, 900]],
      Gap: [
        [5, 20],
        [22, 30],
        [60, 70],
      ],
      Open: [[1_400, 9_999]],
    });
    const found = (await all(firedAlerts({ ...span, outside }))).map(minutes);
    expect(found.sort()).toEqual(
      [
        ["Gap", 5, 30],
        ["Gap", 60, 70],
        ["Long", 10, 900],
        ["Open", 1_400, null],
      ].sort(),
    );
    expect(Math.max(...asked)).toBe(360);
  });

  it("halves a chunk whose answer would be too large, and loses nothing", async () => {
    const { outside, asked } = prometheusOf({ Long: [[0, 600]] }, 100);
    expect((await all(firedAlerts({ ...span, outside }))).map(minutes)).toEqual([["Long", 0, 600]]);
    expect(Math.min(...asked)).toBeLessThan(100);
  });
});

describe("try on a lab", () => {
  let lab: Lab;
  const outside: Outside = {
    fetch,
    connect: () => {
      throw new Error("no sockets");
    },
    clock: { now: Date.now },
  };
  beforeAll(async () => {
    lab = await startLab({ seed: 7, hosts: makeFleet({ count: 6, seed: 7 }), timeScale: 1 });
  });
  afterAll(() => lab.stop());

  it("finds the same alert in Prometheus and in Alertmanager, and changes nothing", async () => {
    const host = [...lab.world.hosts.keys()][0] ?? "";
    lab.world.failDisk(host);
    const to = Date.now();
    const before = lab.world.log.length;
    const fired = await all(
      firedAlerts({ url: `${lab.url}/prometheus`, outside, from: to - HOUR_MS, to: to + 2_000, stepMs: 1_000 }),
    );
    const active = await activeAlerts({ url: `${lab.url}/alertmanager`, outside });
    expect(fired).toMatchObject([{ labels: { host }, endsAt: null }]);
    expect(active.map(({ labels }) => labels)).toEqual(fired.map(({ labels }) => labels));
    expect(lab.world.log).toHaveLength(before);
  });
});

describe("what would have been done", () => {
  const at = (labels: Record<string, string>, from: number, hours: number): FiredAlert => {
    const startsAt = BEGIN + from * HOUR_MS;
    return { labels, startsAt, endsAt: startsAt + hours * HOUR_MS };
  };
  const fired = [
    ...[0, 100, 200].map((from) => at({ alertname: "DiskFull", instance: "web-1:9100", job: "node" }, from, 5)),
    at({ alertname: "Blip", host: "web-2" }, 3, 0.05),
    at({ alertname: "QuorumLost", cluster: "a" }, 4, 50),
    at({ alertname: "SmartDiskFailing", host: "web-2", device: "sda" }, 5, 9),
  ];

  it("names the alerts that are most worth a runbook, and those that name no host", async () => {
    const shipped = await import("node:fs/promises").then(({ readFile }) =>
      readFile("runbooks/disk-replacement.yaml", "utf8"),
    );
    const runbooks = [(await import("yaml")).parse(shipped) as never];
    const to = BEGIN + 300 * HOUR_MS;
    const report = await tryOut({
      fired,
      to,
      runbooks,
      catalogue: null,
      actions: ACTIONS,
      assumptions: DEFAULT_ASSUMPTIONS,
    });
    expect(report.worth.map(({ alertname, runbook }) => [alertname, runbook])).toEqual([
      ["DiskFull", null],
      ["SmartDiskFailing", "disk-replacement"],
      ["Blip", null],
    ]);
    expect(report.worth[0]?.why).toBe(
      "it fired 3 times, on 1 host, 15 h in all, half of them 5 h or longer; no runbook is shipped for it",
    );
    expect(report.unnamed).toEqual([{ alertname: "QuorumLost", times: 1, labels: ["alertname", "cluster"] }]);
    // What an inventory would have to say is not guessed.
    expect(report.backtest.after).toMatchObject({ fates: { refused: 1, acted: 0 }, reasons: { FACTS_UNAVAILABLE: 1 } });
  });
});
