/** The stack of a demo: on a lab in this process, in a temporary folder, forgotten at the end. */
import type { EnvSource } from "../../config/env.ts";
import type { Lab } from "../../lab/lab.ts";
import { startStack, type LabPlace, type Stack, type StackContext } from "../process/stack.ts";

export interface LabStackOptions {
  /** Starts the lab and writes the configuration that points at it into the place's folder. */
  lab: (place: LabPlace) => Promise<Lab>;
  /** Of the API, Temporal and its Web UI; 0 takes a free one. */
  ports: { port: number; temporalPort: number; uiPort?: number };
  /** As in StackOptions. */
  temporalOnDisk?: boolean;
  databaseSettings?: Record<string, string>;
  workerArgs?: readonly string[];
  env?: EnvSource;
}

export interface LabStack {
  stack: Stack;
  lab: Lab;
  configFolder: string;
}

/** The lab ends with the stack. */
export async function startLabStack(options: LabStackOptions, context: StackContext): Promise<LabStack> {
  const { lab: start, ports, ...rest } = options;
  const { port, temporalPort, uiPort } = ports;
  let running: Omit<LabStack, "stack"> | undefined;
  const startLab = async (place: LabPlace) => {
    const lab = await start(place);
    running = { lab, configFolder: place.folder };
    return { url: lab.url, configFolder: place.folder, stop: () => lab.stop() };
  };
  const kept = { config: undefined, databaseUrl: undefined, state: undefined, fresh: true };
  const stack = await startStack({ ...kept, ...rest, lab: startLab, port, temporalPort, uiPort }, context);
  if (running === undefined) throw new Error("the stack started without its lab");
  return { stack, ...running };
}
