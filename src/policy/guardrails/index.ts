import type { Guardrail } from "../guardrail.ts";
import { approval } from "./approval.ts";
import { attempts } from "./attempts.ts";
import { globalCap, groupCap, rackCap, regionCap, serviceCap, targetExclusive } from "./caps.ts";
import { cooldown } from "./cooldown.ts";
import { correlation } from "./correlation.ts";
import { cost } from "./cost.ts";
import { dependency } from "./dependency.ts";
import { errorBudget } from "./error-budget.ts";
import { factsAvailable } from "./facts-available.ts";
import { flapping } from "./flapping.ts";
import { granted } from "./granted.ts";
import { minHealthy } from "./min-healthy.ts";
import { mode } from "./mode.ts";
import { onePerTarget } from "./one-per-target.ts";
import { ownership } from "./ownership.ts";
import { pause } from "./pause.ts";
import { rate } from "./rate.ts";
import { requirement } from "./requirement.ts";
import { rollout } from "./rollout.ts";
import { security } from "./security.ts";
import { silence } from "./silence.ts";
import { slo } from "./slo.ts";
import { storm } from "./storm.ts";
import { targetKnown } from "./target-known.ts";
import { window } from "./window.ts";

/** Every guardrail, in the order in which people read the results. All of them run; the worst outcome wins. */
export const GUARDRAILS: readonly Guardrail[] = [
  pause,
  window,
  storm,
  correlation,
  targetKnown,
  ownership,
  silence,
  dependency,
  factsAvailable,
  granted,
  requirement,
  mode,
  slo,
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
