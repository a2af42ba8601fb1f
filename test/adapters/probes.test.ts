import { describe, expect, it } from "vitest";
import { httpProbe } from "../../src/adapters/direct/http-probe.ts";
import { tcpProbe } from "../../src/adapters/direct/tcp-probe.ts";
import { prometheus, prometheusProbe } from "../../src/adapters/prometheus/metrics.ts";
import { deadPort, httpStub, outside, type Reply } from "./support.ts";

const vector = (...values: string[]) => ({
  status: "success",
  data: {
    resultType: "vector",
    result: values.map((value, i) => ({ metric: { i: String(i) }, value: [1000, value] })),
  },
});

async function query(value: Reply, stamp: Reply = { body: vector("996") }, input: object = {}) {
  const stub = await httpStub((request) => (request.url.includes("timestamp") ? stamp : value));
  const probe = prometheusProbe(prometheus({ url: stub.url, outside }));
  try {
    return { seen: stub.seen, read: await probe.measure({ query: "up", maxAge: 10_000, ...input }) };
  } finally {
    stub.close();
  }
}

describe("prometheus.query", () => {
  it("measures the value and the sample's age at the same evaluation time", async () => {
    const { read, seen } = await query({ body: vector("1") });
    expect(read).toMatchObject({ ok: true, measured: { value: 1, ageMs: 4_000 } });
    expect(seen[1]?.url).toContain("time=1000");
  });

  it("measures nothing, and never rejects, for whatever is not one fresh finite number", async () => {
    const replies: Reply[] = [
      { body: vector() },
      { body: vector("1", "0") },
      { body: vector("NaN") },
      { body: vector("+Inf") },
      { body: vector("") },
      { body: { ...vector("1"), warnings: ["store gateway timed out"] } },
      { body: { status: "success", data: { resultType: "string", result: [1, "x"] } } },
      { status: 400, body: { status: "error", error: "parse error" } },
      { status: 503 },
      { body: "<html>" },
      { body: { status: "success", data: {} } },
      "reset",
      "cut",
      "silent",
    ];
    for (const reply of replies) {
      const { read } = await query(reply);
      expect(read).toMatchObject({ ok: false });
      if (!read.ok) expect(read.reason).toContain("up");
    }
  });

  it("measures nothing when the sample is too old or its time is not known", async () => {
    expect((await query({ body: vector("1") }, { body: vector("900") })).read).toMatchObject({ ok: false });
    expect((await query({ body: vector("1") }, { body: vector() })).read).toMatchObject({ ok: false });
    expect((await query({ body: vector("1") }, { status: 500 })).read).toMatchObject({ ok: false });
  });

  it("measures nothing for an input that is not whole", async () => {
    for (const input of [{ query: "" }, { maxAge: -1 }, { maxAge: "5m" }, { more: 1 }]) {
      expect((await query({ body: vector("1") }, undefined, input)).read).toMatchObject({ ok: false });
    }
  });
});

describe("http.get", () => {
  const get = async (reply: Reply, more: object = {}) => {
    const stub = await httpStub(() => reply);
    try {
      return await httpProbe(outside).measure({ url: `${stub.url}/health`, ...more });
    } finally {
      stub.close();
    }
  };

  it("measures any status, redirects too, and whether the body holds the text", async () => {
    expect(await get({ status: 503 })).toMatchObject({ ok: true, measured: { status: 503, failure: "" } });
    expect(await get({ status: 302, headers: { location: "/x" } })).toMatchObject({ measured: { status: 302 } });
    expect(await get({ body: "all ready" }, { expectBody: "ready" })).toMatchObject({
      measured: { bodyMatches: true },
    });
    expect(await get({ body: "starting" }, { expectBody: "ready" })).toMatchObject({
      measured: { bodyMatches: false },
    });
  });

  it("measures status 0 with the way it failed when the target does not serve", async () => {
    expect(await get("silent")).toMatchObject({ ok: true, measured: { status: 0, failure: "timeout" } });
    expect(await get("reset")).toMatchObject({ ok: true, measured: { status: 0, failure: "reset" } });
    const refused = await httpProbe(outside).measure({ url: `http://127.0.0.1:${await deadPort()}/` });
    expect(refused).toMatchObject({ ok: true, measured: { status: 0, failure: "refused" } });
  });

  it("measures nothing when the name does not resolve or the input is wrong", async () => {
    expect(await httpProbe(outside).measure({ url: "http://no-such-host.invalid/" })).toMatchObject({ ok: false });
    expect(await httpProbe(outside).measure({ url: "file:///etc/passwd" })).toMatchObject({ ok: false });
  });
});

describe("tcp.connect", () => {
  it("measures connected, and refused as a definite no", async () => {
    const stub = await httpStub(() => ({}));
    const port = Number(new URL(stub.url).port);
    expect(await tcpProbe(outside).measure({ host: "127.0.0.1", port })).toMatchObject({
      measured: { connected: true },
    });
    stub.close();
    const refused = await tcpProbe(outside).measure({ host: "127.0.0.1", port: await deadPort() });
    expect(refused).toMatchObject({ ok: true, measured: { connected: false, failure: "refused" } });
  });

  it("measures nothing when the name does not resolve or the input is wrong", async () => {
    expect(await tcpProbe(outside).measure({ host: "no-such-host.invalid", port: 1 })).toMatchObject({ ok: false });
    expect(await tcpProbe(outside).measure({ host: "a", port: 0 })).toMatchObject({ ok: false });
  });
});
