/** How to reach Temporal: environment and configuration file as every Temporal tool reads them. */
import { Client, Connection, type ConnectionOptions } from "@temporalio/client";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import { homedir } from "node:os";
import type { DataConverter } from "@temporalio/common";
import { fileURLToPath } from "node:url";
import { secretFromEnv, temporalEnv, type EnvSource } from "./env.ts";
import { parsePayloadKeys, payloadCodec } from "./payload-codec.ts";
import { EXIT, messageOf, UserError } from "./user-error.ts";

export interface TemporalSettings {
  address: string;
  namespace: string;
  /** For NativeConnection.connect and Connection.connect alike. */
  connection: { address: string } & Pick<ConnectionOptions, "tls" | "metadata"> & { apiKey?: string };
  /** How payloads are written and read, by every client and worker alike. */
  dataConverter: DataConverter;
}

const DEFAULT_ADDRESS = "127.0.0.1:7233";
const CONNECT_TIMEOUT_MS = 5_000;

export function temporalSettings(source?: EnvSource): TemporalSettings {
  const env = { HOME: homedir(), ...temporalEnv(source) };
  const dataConverter = converterOf(secretFromEnv("SELFHEAL_PAYLOAD_KEYS", source));
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: env });
    const { tls, apiKey, metadata } = connectionOptions;
    const address = connectionOptions.address ?? DEFAULT_ADDRESS;
    return {
      address,
      namespace: namespace ?? "default",
      dataConverter,
      connection: {
        address,
        ...(tls === undefined || tls === null ? {} : { tls }),
        ...(typeof apiKey === "string" ? { apiKey } : {}),
        ...(metadata === undefined ? {} : { metadata: metadata }),
      },
    };
  } catch (error) {
    throw new UserError(`Temporal's configuration (TEMPORAL_* variables, TEMPORAL_CONFIG_FILE): ${messageOf(error)}`, {
      cause: error,
      exitCode: EXIT.usage,
    });
  }
}

/** `keys` as in SELFHEAL_PAYLOAD_KEYS; null: nothing is encrypted. */
export function converterOf(keys: string | null): DataConverter {
  if (keys === null) return {};
  return {
    payloadCodecs: [payloadCodec(parsePayloadKeys(keys))],
    failureConverterPath: fileURLToPath(new URL("failure-converter.ts", import.meta.url)),
  };
}

/** A client for starters and the command line; the caller closes `client.connection`. */
export async function connectClient(settings: TemporalSettings): Promise<Client> {
  try {
    const connection = await Connection.connect({ ...settings.connection, connectTimeout: CONNECT_TIMEOUT_MS });
    const { namespace, dataConverter } = settings;
    return new Client({ connection, namespace, dataConverter });
  } catch (error) {
    throw temporalUnreachable(settings, error);
  }
}

/** What the server says of who asks and for what: asking again does not change it (gRPC status codes). */
const LASTING_CODES: readonly unknown[] = [3, 5, 7, 16];

export class TemporalUnreachable extends UserError {
  readonly kind = "TemporalUnreachable";
  /** Waiting does not cure it: the API key or the namespace is wrong. */
  readonly lasting: boolean;

  constructor(message: string, cause: unknown) {
    super(message, { cause, exitCode: EXIT.unavailable });
    this.lasting = LASTING_CODES.includes(codeOf(cause));
  }
}

export function isTemporalUnreachable(error: unknown): error is TemporalUnreachable {
  return error instanceof TemporalUnreachable;
}

function codeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return null;
  return "code" in error ? error.code : codeOf(error.cause);
}

export function temporalUnreachable(settings: TemporalSettings, error: unknown): TemporalUnreachable {
  return new TemporalUnreachable(
    `Temporal at ${settings.address} (namespace ${settings.namespace}) does not answer: ${messageOf(error)}. ` +
      "Start one with `selfheal dev`, or set TEMPORAL_ADDRESS (and TLS or API key) to yours",
    error,
  );
}
