/** What an action is. `src/activities/<port>.ts` define them; the catalogue checks runbooks against them. */
import type { z } from "zod";
import type { JsonObject } from "../contracts/json.ts";
import type { Risk } from "../contracts/plan.ts";
import type { Target } from "../contracts/target.ts";
import type { Ports } from "./ports.ts";

export interface EffectContext {
  /** The effect's idempotency key; written wherever the vendor lets us, so that the effect can be read back. */
  key: string;
  /** The key of the apply that an undo or finish belongs to; equal to `key` for apply itself. */
  applyKey: string;
  remediationId: string;
  target: Target;
  ports: Ports;
  /** The database's time, ISO. */
  now: string;
  /** ISO; when this effect's first apply was intended. */
  intendedAt: string;
  /** An earlier remediation left the target out of service, and nobody has proven or said since that it is back. */
  leftOut(): Promise<boolean>;
}

/** What reading the world back says about one effect. */
export type Observation =
  | { state: "happened"; result: JsonObject; detail: string }
  /** On the way. `wait` says what the bulk watcher shall look at; `seen` must change when it is worth looking again. */
  | { state: "pending"; detail: string; wait: { system: WatchedSystem; ref: string; seen: string } }
  | { state: "notHappened"; detail: string }
  /** It definitely did not work and will not by waiting. */
  | { state: "failed"; detail: string }
  /** It cannot be read back. */
  | { state: "unknown"; detail: string };

export const WATCHED_SYSTEMS = ["tickets", "provisioner", "loadbalancer", "bmc"] as const;
export type WatchedSystem = (typeof WATCHED_SYSTEMS)[number];

export interface Operation<I> {
  /** Submits, within 30 s, once. Absent for actions that only read. Rejects with an AdapterError. @acts */
  apply?(context: EffectContext, input: I): Promise<void>;
  /** Reads the world back; changes nothing. May reject with an AdapterError (transient). */
  observe(context: EffectContext, input: I): Promise<Observation>;
}

export interface Action<I = never> {
  /** `<port>.<verb>`. */
  name: string;
  /** Goes up when the meaning of input or effect changes; a plan carries it. */
  version: number;
  /** One line for docs and JSON Schema. */
  summary: string;
  risk: Risk;
  /** Strict object schema with a `.describe` on each field. */
  input: z.ZodType<I>;
  /** Fields of the input that name what it acts on; left out, that is the target. A team's runbook may name nothing else. */
  aims?: readonly (keyof I & string)[];
  /** Shape of `happened.result`, so that references to it can be checked when a runbook is loaded. */
  output: z.ZodObject;
  /** Start-to-close of apply, at most 30,000. */
  applyTimeoutMs: number;
  /** Longest time after which a request with a lost reply may still take effect. */
  lifeMs: number;
  /** How long it may stay pending when the runbook does not say `within`. */
  defaultWithinMs: number;
  /**
   * Refused when it stands so already and selfheal has not brought it there: somebody else works on the target, and what he
   * did is not taken back or finished for him.
   */
  refusedWhenThere?: boolean;
  perform: Operation<I>;
  /** Takes it back, while nothing irreversible has happened. */
  undo?: Operation<I>;
  /** At the end, when the target is proven healthy. With `ramped`, called with growing `percent` in the context. */
  finishHealthy?: Operation<I & { percent?: number }>;
  /** At the end, when it is not and undo is not allowed any more. */
  finishOtherwise?: Operation<I>;
  /** finishHealthy can be done gradually: it then takes `percent` (1 to 100) in its input. */
  ramped?: boolean;
}

/** The registry erases the input type: the input was checked by the action's own schema. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyAction = Action<any>;
