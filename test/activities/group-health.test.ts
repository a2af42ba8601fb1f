import { describe, expect, it } from "vitest";
import type { ActivityDependencies } from "../../src/activities/dependencies.ts";
import { readGroupHealth } from "../../src/activities/remediation/group-health.ts";
import { AdapterError } from "../../src/ports/failure.ts";
import type { PoolServer } from "../../src/ports/ports.ts";
import { catalogueOf, CONFIG } from "../catalogue/support.ts";
import { server } from "./actions/fakes.ts";

interface Sources {
  servers?: PoolServer[] | Error;
  series?: Record<string, number> | string;
}

/** What is written into the record of group web (web-1, web-2) under this `minHealthy`. */
async function written(minHealthy: string, { servers = [], series = {} }: Sources): Promise<unknown> {
  const catalogue = catalogueOf({ config: `${CONFIG}defaults: { minHealthy: { ${minHealthy} } }\n` });
  let saved: unknown = null;
  const deps = {
    record: {
      saveGroupHealth: (group: object, read: object) => {
        saved = { ...group, ...read };
        return Promise.resolve("");
      },
    },
    ports: {
      loadBalancer: { servers: () => (servers instanceof Error ? Promise.reject(servers) : Promise.resolve(servers)) },
      metrics: {
        series: () =>
          Promise.resolve(typeof series === "string" ? { ok: false, reason: series } : { ok: true, values: series }),
      },
    },
  } as unknown as ActivityDependencies;
  await readGroupHealth(deps, catalogue, catalogue.inventory.targets[0]!);
  return saved;
}

const LB = "keep: 50%, loadBalancer: true";
const AWAY = new AdapterError("transient", { system: "haproxy", operation: "show stat" }, "no answer");
const QUERY = "keep: 50%, query: up";

describe("the health of a group", () => {
  it("is not asked for where nothing says so", async () => {
    expect(await written("keep: 50%", {})).toBeNull();
  });

  it.each([
    ["all in", [server("web-1"), server("web-2")], []],
    ["one drained", [server("web-1"), server("web-2", { admin: "drain" })], ["web-2"]],
    ["one in maintenance", [server("web-1", { admin: "maint" }), server("web-2")], ["web-1"]],
    ["one down", [server("web-1"), server("web-2", { operational: "down" })], ["web-2"]],
    ["one that the balancer does not know", [server("web-1")], ["web-2"]],
    [
      "one out of only one of its pools",
      [server("web-1"), server("web-2"), server("web-2", { pool: "b", admin: "drain" })],
      ["web-2"],
    ],
    ["others' servers do not matter", [server("web-1"), server("web-2"), server("db-1", { operational: "down" })], []],
    ["by another of its names", [server("web-1.example.net"), server("10.0.0.2")], []],
  ])("by the load balancer: %s", async (_what, servers, unhealthy) => {
    expect(await written(LB, { servers })).toMatchObject({ kind: "host", group: "web", unhealthy });
  });

  it.each([
    ["all 1", { "web-1:9100": 1, "web-2:9100": 1 }, []],
    ["a 0", { "web-1": 1, "web-2": 0 }, ["web-2"]],
    ["NaN", { "web-1": 1, "web-2": Number.NaN }, ["web-2"]],
    ["no series for one", { "web-1": 1 }, ["web-2"]],
    ["no series at all", {}, ["web-1", "web-2"]],
    ["series of others", { "web-1": 1, "web-2": 1, "db-1": 0, stranger: 0 }, []],
  ])("by the query: %s", async (_what, series, unhealthy) => {
    expect(await written(QUERY, { series: series })).toMatchObject({ unhealthy });
  });

  it("is what either source says", async () => {
    const servers = [server("web-1", { admin: "drain" }), server("web-2")];
    const both = await written(`${LB}, query: up`, { servers, series: { "web-1": 1, "web-2": 0 } });
    expect(both).toMatchObject({ unhealthy: ["web-1", "web-2"] });
  });

  it.each([
    [LB, { servers: AWAY }, "no answer"],
    [LB, { servers: [server("db-1")] }, "the load balancer knows no member of group web"],
    [QUERY, { series: "two series with instance" }, "two series with instance"],
  ])("%s: is unreadable, and said so, when a source is", async (limit, sources, detail) => {
    expect(await written(limit, sources)).toMatchObject({
      unhealthy: null,
      detail: expect.stringContaining(detail) as string,
    });
  });
});
