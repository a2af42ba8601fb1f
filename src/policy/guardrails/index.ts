import type { Guardrail } from "../guardrail.ts";
import { approval } from "./approval.ts";
import { attempts } from "./attempts.ts";
import { groupCap, rackCap, targetExclusive } from "./caps.ts";
import { cooldown } from "./cooldown.ts";
import { factsAvailable } from "./facts-available.ts";
import { mode } from "./mode.ts";
import { onePerTarget } from "./one-per-target.ts";
import { pause } from "./pause.ts";
import { rate } from "./rate.ts";
import { requirement } from "./requirement.ts";
import { targetKnown } from "./target-known.ts";

/** Every guardrail, in the order in which people read the results. All of them run; the worst outcome wins. */
export const GUARDRAILS: readonly Guardrail[] = [
  pause,
  targetKnown,
  factsAvailable,
  requirement,
  mode,
  onePerTarget,
  cooldown,
  attempts,
  approval,
  targetExclusive,
  groupCap,
  rackCap,
  rate,
];
