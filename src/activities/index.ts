/** Every activity of the worker, by its type's name. */
import type { EffectActivity, RemediationActivities } from "../contracts/activities.ts";
import { isRecordConflict, type ActivityDependencies } from "./dependencies.ts";
import { effectActivities, observeEffect } from "./effects.ts";
import { assess } from "./remediation/assess.ts";
import { closeRemediation, notify } from "./remediation/close.ts";
import { admitRemediation, decideRemediation, recordDecision } from "./remediation/decide.ts";
import { confirmFault, readState } from "./remediation/read.ts";
import { findUnclosed } from "./remediation/recover.ts";
import { recordCommand, recordHeld } from "./remediation/takeover.ts";

export function createActivities(deps: ActivityDependencies): RemediationActivities & Record<string, EffectActivity> {
  const remediation: RemediationActivities = {
    "remediation.assess": (request) => assess(deps, request),
    "remediation.unclosed": (request) => findUnclosed(deps, request),
    "remediation.confirm": (request) => confirmFault(deps, request),
    "remediation.decide": (request) => decideRemediation(deps, request),
    "remediation.decision": (request) => recordDecision(deps, request),
    "remediation.command": (request) => recordCommand(deps, request),
    "remediation.held": (request) => recordHeld(deps, request),
    "remediation.admit": (request) => admitRemediation(deps, request),
    "remediation.read": (request) => readState(deps, request),
    "remediation.progress": ({ remediationId, phase, doing, until }) =>
      deps.record.progress(remediationId, phase, doing, until),
    "remediation.notify": (request) => notify(deps, request),
    "remediation.close": (request) => closeRemediation(deps, request),
    "effect.observe": (request) => observeEffect(deps, request),
  };
  const stages = Object.entries({ ...remediation } as Record<string, Activity>).map(([name, run]) => {
    return [name, betweenPoints(deps, name as Stage, run)] as const;
  });
  const all = { ...(effectActivities(deps) as Record<string, Activity>), ...Object.fromEntries(stages) };
  const guarded = Object.entries(all).map(([name, run]) => [name, conflictsEnd(deps, run)]);
  return Object.fromEntries(guarded) as RemediationActivities & Record<string, EffectActivity>;
}

type Activity = (request: never) => Promise<unknown>;
type Stage = keyof RemediationActivities;

/** Effects have their own points, inside the wrapper. */
function betweenPoints(deps: ActivityDependencies, name: Stage, run: Activity): Activity {
  return async (request) => {
    deps.faultPoint?.(`${name}.before`);
    const reply = await run(request);
    deps.faultPoint?.(`${name}.after`);
    return reply;
  };
}

/** What does not fit the record never will: tried for ever, it would hang the workflow without a word (law 12). */
function conflictsEnd(deps: ActivityDependencies, run: Activity): Activity {
  return async (request) => {
    try {
      return await run(request);
    } catch (error) {
      throw isRecordConflict(error) ? deps.refuse(error.message) : error;
    }
  };
}
