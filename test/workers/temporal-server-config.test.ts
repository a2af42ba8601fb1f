import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { HISTORY_SHARDS, portsAround, serverConfig, uiConfig } from "../../src/workers/temporal-server-config.ts";

const database = { host: "127.0.0.1", port: 5432, user: "temporal", password: 'a"b: {c}' };

describe("the Temporal server's configuration", () => {
  const config = parse(serverConfig(database, portsAround(7233), "/place/dynamic.yaml")) as {
    persistence: { numHistoryShards: number; datastores: Record<string, { sql: Record<string, unknown> }> };
    services: Record<string, { rpc: Record<string, unknown> }>;
    clusterMetadata: { clusterInformation: { active: { rpcAddress: string } } };
    dynamicConfigClient: { filepath: string };
  };

  test("has the ports of Temporal's own configurations, all on loopback", () => {
    expect(
      Object.entries(config.services).map(([name, { rpc }]) => [name, rpc["grpcPort"], rpc["membershipPort"]]),
    ).toEqual([
      ["frontend", 7233, 6933],
      ["history", 7234, 6934],
      ["matching", 7235, 6935],
      ["worker", 7239, 6939],
    ]);
    expect(Object.values(config.services).map(({ rpc }) => rpc["bindOnIP"])).toEqual(Array(4).fill("127.0.0.1"));
    expect(config.clusterMetadata.clusterInformation.active.rpcAddress).toBe("127.0.0.1:7233");
  });

  test("keeps workflows and visibility in two databases of one role, whatever its password is made of", () => {
    const stores = Object.values(config.persistence.datastores).map(({ sql }) => sql);
    expect(stores.map(({ databaseName }) => databaseName)).toEqual(["temporal", "temporal_visibility"]);
    for (const store of stores) {
      expect(store).toMatchObject({ connectAddr: "127.0.0.1:5432", user: "temporal", password: 'a"b: {c}' });
    }
    expect(config.persistence.numHistoryShards).toBe(HISTORY_SHARDS);
    expect(config.dynamicConfigClient.filepath).toBe("/place/dynamic.yaml");
  });
});

test("the Web UI's configuration leads to the frontend and listens on loopback only", () => {
  expect(parse(uiConfig("127.0.0.1:7233", 8233))).toMatchObject({
    temporalGrpcAddress: "127.0.0.1:7233",
    host: "127.0.0.1",
    port: 8233,
  });
});
