import type { Guardrail } from "../guardrail.ts";
import { approval } from "./approval.ts";
import { attempts } from "./attempts.ts";
import { globalCap, groupCap, rackCap, regionCap, serviceCap, targetExclusive } from "./caps.ts";
import { cooldown } from "./cooldown.ts";
import { cost } from "./cost.ts";
import { errorBudget } from "./error-budget.ts";
import { factsAvailable } from "./facts-available.ts";
import { flapping } from "./flapping.ts";
import { granted } from "./granted.ts";
import { minHealthy } from "./min-healthy.ts";
import { mode } from "./mode.ts";
import { onePerTarget } from "./one-per-target.ts";
import { pause } from "./pause.ts";
import { rate } from "./rate.ts";
import { requirement } from "./requirement.ts";
import { rollout } from "./rollout.ts";
import { security } from "./security.ts";
import { storm } from "./storm.ts";
import { targetKnown } from "./target-known.ts";

/** Every guardrail, in the order in which people read the results. All of them run; the worst outcome wins. */
export const GUARDRAILS: readonly Guardrail[] = [
  pause,
  storm,
  targetKnown,
  factsAvailable,
  granted,
  requirement,
  mode,
  errorBudget,
  security,
  rollout,
  onePerTarget,
  cooldown,
  attempts,
  flapping,
  approval,
  targetExclusive,
  groupCap,
  rackCap,
  serviceCap,
  regionCap,
  globalCap,
  minHealthy,
  rate,
  cost,
];
