/** The topology's ports, all on loopback. */
import { claimPort, freeLowPort } from "../../workers/ports.ts";
import { EXIT, UserError } from "../../config/user-error.ts";
import { MAX_TEMPORAL_PORT, portsAround, type TemporalPorts } from "../../workers/temporal-server-config.ts";
import type { ProductionOptions } from "./start.ts";

export interface Ports {
  postgres: number;
  temporal: TemporalPorts;
  ui: number;
  apis: number[];
  health: number[];
}

/** Rejects with who holds it and which option changes it, when one of the wished ports is in use. */
export async function claimPorts({ ports, apis, workers }: ProductionOptions): Promise<Ports> {
  const some = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, () => freeLowPort()));
  const api = { what: "the API", option: "--port" };
  return {
    postgres: await freeLowPort(),
    temporal: await claimTemporalPorts(ports.temporal),
    ui: await claimPort({ port: ports.ui, what: "Temporal's Web UI", option: "--ui-port" }),
    apis:
      ports.api === 0
        ? await some(apis)
        : await Promise.all(Array.from({ length: apis }, (_, index) => claimPort({ ...api, port: ports.api + index }))),
    health: await some(workers),
  };
}

/** 0: free ones. */
export async function claimTemporalPorts(frontend: number): Promise<TemporalPorts> {
  if (frontend !== 0) {
    const ports = portsAround(frontend);
    if (ports.http > MAX_TEMPORAL_PORT || ports.frontend.membership < 1) {
      throw new UserError(
        `--temporal-port ${frontend}: Temporal's own database holds no port above ${MAX_TEMPORAL_PORT}; right would be ` +
          `301 to ${MAX_TEMPORAL_PORT - (ports.http - frontend)}, or 0 for free ones`,
        { exitCode: EXIT.usage },
      );
    }
    const { http, ...services } = ports;
    const all = [http, ...Object.values(services).flatMap(({ grpc, membership }) => [grpc, membership])];
    for (const port of all) await claimPort({ port, what: "Temporal", option: "--temporal-port" });
    return ports;
  }
  const service = async (): Promise<{ grpc: number; membership: number }> => ({
    grpc: await freeLowPort(),
    membership: await freeLowPort(),
  });
  const [one, two, three, four] = [await service(), await service(), await service(), await service()];
  return { frontend: one, history: two, matching: three, worker: four, http: await freeLowPort() };
}
