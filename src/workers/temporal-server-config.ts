/** The configuration files of a production Temporal on one machine, as its server and its Web UI read them. Pure. */
import { stringify } from "yaml";

export const NAMESPACE = "default";
/** Closed workflows are forgotten after it; the record is not. */
export const RETENTION_HOURS = 72;
/** Fixed for ever at the first start of a database: more later means a new database. */
export const HISTORY_SHARDS = 4;
/** Under the names that Temporal's own images use. */
export const TEMPORAL_DATABASES = { default: "temporal", visibility: "temporal_visibility" } as const;

/** `cluster_membership.rpc_port` is a smallint: with a larger port the server ends at its start. */
export const MAX_TEMPORAL_PORT = 32_767;

interface ServicePorts {
  grpc: number;
  membership: number;
}
/** All on loopback; only the frontend's gRPC is for others. */
export interface TemporalPorts {
  frontend: ServicePorts;
  history: ServicePorts;
  matching: ServicePorts;
  worker: ServicePorts;
  http: number;
}

export interface TemporalDatabase {
  host: string;
  port: number;
  user: string;
  /** Stands in the server's file, which nobody else may read. */
  password: string;
}

const HOST = "127.0.0.1";

/** The ports that Temporal's own configurations use, moved so that the frontend has this one. */
export function portsAround(frontend: number): TemporalPorts {
  const service = (offset: number): ServicePorts => ({
    grpc: frontend + offset,
    membership: frontend + offset - 300,
  });
  return { frontend: service(0), history: service(1), matching: service(2), worker: service(6), http: frontend + 10 };
}

export function serverConfig(database: TemporalDatabase, ports: TemporalPorts, dynamicConfigFile: string): string {
  const { frontend, history, matching, worker } = ports;
  return stringify({
    log: { stdout: true, level: "warn", format: "json" },
    persistence: {
      defaultStore: "pg-default",
      visibilityStore: "pg-visibility",
      numHistoryShards: HISTORY_SHARDS,
      datastores: {
        "pg-default": { sql: store(database, TEMPORAL_DATABASES.default, 20) },
        "pg-visibility": { sql: store(database, TEMPORAL_DATABASES.visibility, 10) },
      },
    },
    global: { membership: { maxJoinDuration: "30s", broadcastAddress: HOST } },
    services: {
      frontend: rpc(frontend, { httpPort: ports.http }),
      history: rpc(history),
      matching: rpc(matching),
      worker: rpc(worker),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: "active",
      currentClusterName: "active",
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: "frontend",
          rpcAddress: `${HOST}:${frontend.grpc}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: "noop" },
    archival: { history: { state: "disabled" }, visibility: { state: "disabled" } },
    dynamicConfigClient: { filepath: dynamicConfigFile, pollInterval: "10s" },
  });
}

function store(database: TemporalDatabase, databaseName: string, connections: number): object {
  return {
    pluginName: "postgres12",
    databaseName,
    connectAddr: `${database.host}:${database.port}`,
    connectProtocol: "tcp",
    user: database.user,
    password: database.password,
    maxConns: connections,
    maxIdleConns: connections,
    maxConnLifetime: "1h",
  };
}

function rpc(ports: ServicePorts, more: { httpPort?: number } = {}): object {
  return { rpc: { grpcPort: ports.grpc, membershipPort: ports.membership, ...more, bindOnIP: HOST } };
}

export function uiConfig(address: string, port: number): string {
  return stringify({
    temporalGrpcAddress: address,
    host: HOST,
    port,
    enableUi: true,
    defaultNamespace: NAMESPACE,
    notifyOnNewVersion: false,
    // Loopback has no TLS, and a browser sends a secure cookie only over it.
    cors: { cookieInsecure: true },
  });
}
