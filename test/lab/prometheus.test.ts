import { describe, expect, it } from "vitest";
import { call, HOUR, lab, MINUTE, query } from "./support.ts";

describe("Prometheus' query API", () => {
  it("answers an instant vector in the real shape, for GET and POST", async () => {
    const dc = await lab({ failing: ["web-1"] });
    const promql = 'smart_failing{host="web-1",device="/dev/sda"}';
    const get = await call(`${dc.url}/prometheus/api/v1/query?query=${encodeURIComponent(promql)}`);
    const disk = dc.world.host("web-1").disks[0];
    expect(get.body).toEqual({
      status: "success",
      data: {
        resultType: "vector",
        result: [
          {
            metric: {
              ...{ __name__: "smart_failing", host: "web-1", device: "/dev/sda", job: "smartctl", rack: "r01" },
              ...{ instance: `${dc.world.host("web-1").address}:9633`, serial: disk?.serial },
            },
            value: [dc.clock.now() / 1000, "1"],
          },
        ],
      },
    });
    const post = await call(`${dc.url}/prometheus/api/v1/query`, {
      method: "POST",
      body: new URLSearchParams({ query: promql }),
    });
    expect(post.body).toEqual(get.body);
  });

  it("answers `vector(1)`, with which a reader asks whether anybody is there", async () => {
    const dc = await lab({});
    const at = dc.clock.now() / 1000;
    expect(await query(dc, "vector(1)")).toEqual([{ metric: {}, value: [at, "1"] }]);
    expect(await query(dc, "timestamp(vector(1))")).toEqual([{ metric: {}, value: [at, String(at)] }]);
  });

  it("selects by =, !=, =~, !~ with anchored patterns, and compares with a number", async () => {
    const dc = await lab({ failing: ["web-2"] });
    const hosts = async (promql: string): Promise<(string | undefined)[]> =>
      (await query(dc, promql)).map(({ metric }) => metric["host"]);
    expect(await hosts('smart_failing{host=~"web-1|api-.*"}')).toEqual(["web-1", "api-1", "api-2", "api-3"]);
    expect(await hosts('smart_failing{host=~"web"}')).toEqual([]);
    expect(await hosts('smart_failing{host!~"web-.*|api-.*",device!="/dev/sdb"}')).toEqual(["db-1"]);
    expect(await hosts("smart_failing == 1")).toEqual(["web-2"]);
    expect(await hosts("nothing_of_that_name")).toEqual([]);
  });

  it("gives the age of a sample by timestamp(), without the metric's name", async () => {
    const dc = await lab();
    dc.advance(HOUR);
    const [result] = await query(dc, 'timestamp(probe_success{host="web-1"})');
    expect(result?.metric).not.toHaveProperty("__name__");
    expect(Number(result?.value[1])).toBe(dc.clock.now() / 1000);
  });

  it.each([
    ["up{", "unexpected end of input inside braces"],
    ["", "no expression found in input"],
    ["{}", "at least one non-empty matcher"],
  ])("refuses %j as bad data", async (promql, message) => {
    const answer = await call(`${(await lab()).url}/prometheus/api/v1/query?query=${encodeURIComponent(promql)}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      status: "error",
      errorType: "bad_data",
      error: expect.stringContaining(message),
    });
  });

  it("says that it is ready and shows the same series as text", async () => {
    const dc = await lab();
    expect((await call(`${dc.url}/prometheus/-/ready`)).body).toBe("Prometheus Server is Ready.\n");
    expect((await call(`${dc.url}/prometheus/metrics`)).body).toMatch(
      /^probe_success\{host="web-1",instance="[\d.]+:9115",job="blackbox",rack="r01"\} 1$/m,
    );
  });

  it("has no series of a host that does not run, but a failed probe", async () => {
    const dc = await lab({ failing: ["web-1"] });
    dc.world.crash("web-1");
    expect(await query(dc, 'smart_failing{host="web-1"}')).toEqual([]);
    expect((await query(dc, 'probe_success{host="web-1"}'))[0]?.value[1]).toBe("0");
    expect((await query(dc, 'up{host="web-1"}'))[0]?.value[1]).toBe("0");
  });
});

describe("faults of the measurement", () => {
  it("probe-gone takes the host's series away until it is cleared", async () => {
    const dc = await lab();
    dc.inject({ name: "probe-gone", host: "web-1" });
    expect(await query(dc, 'smart_failing{host="web-1"}')).toEqual([]);
    expect(await query(dc, 'smart_failing{host="web-2"}')).toHaveLength(1);
    dc.clear("probe-gone");
    expect(await query(dc, 'smart_failing{host="web-1"}')).toHaveLength(1);
  });

  it("probe-stale keeps the value of the moment while its sample gets old", async () => {
    const dc = await lab();
    dc.inject({ name: "probe-stale", host: "web-1" });
    dc.world.failDisk("web-1");
    dc.advance(10 * MINUTE);
    expect((await query(dc, 'smart_failing{host="web-1"}'))[0]?.value[1]).toBe("0");
    const [sampled] = await query(dc, 'timestamp(smart_failing{host="web-1"})');
    expect(dc.clock.now() / 1000 - Number(sampled?.value[1])).toBe(40 * 60);
  });

  it("probe-nan and probe-double give NaN and two series", async () => {
    const dc = await lab();
    dc.inject({ name: "probe-nan", host: "web-1" });
    dc.inject({ name: "probe-double", host: "web-2" });
    expect((await query(dc, 'smart_failing{host="web-1"}'))[0]?.value[1]).toBe("NaN");
    expect(await query(dc, 'smart_failing{host="web-2"}')).toHaveLength(2);
  });

  it("metrics-down answers 503, or closes the connection", async () => {
    const dc = await lab();
    const url = `${dc.url}/prometheus/api/v1/query?query=up`;
    dc.inject({ name: "metrics-down", count: 1 });
    expect((await call(url)).status).toBe(503);
    dc.inject({ name: "metrics-down", count: 1, cut: true });
    await expect(call(url)).rejects.toThrow("fetch failed");
    expect((await call(url)).status).toBe(200);
  });
});
