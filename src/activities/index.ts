/** Every activity of the worker, by its type's name. */
import type { EffectActivity, RemediationActivities } from "../contracts/activities.ts";
import type { ActivityDependencies } from "./dependencies.ts";
import { effectActivities, observeEffect } from "./effects.ts";
import { closeRemediation, notify } from "./remediation/close.ts";
import { admitRemediation, decideRemediation, recordDecision } from "./remediation/decide.ts";
import { openRemediation } from "./remediation/open.ts";
import { confirmFault, readState } from "./remediation/read.ts";

export function createActivities(deps: ActivityDependencies): RemediationActivities & Record<string, EffectActivity> {
  const remediation: RemediationActivities = {
    "remediation.open": (request) => openRemediation(deps, request),
    "remediation.confirm": (request) => confirmFault(deps, request),
    "remediation.decide": (request) => decideRemediation(deps, request),
    "remediation.decision": (request) => recordDecision(deps, request),
    "remediation.admit": (request) => admitRemediation(deps, request),
    "remediation.read": (request) => readState(deps, request),
    "remediation.progress": ({ remediationId, phase, doing, until }) =>
      deps.record.progress(remediationId, phase, doing, until),
    "remediation.notify": (request) => notify(deps, request),
    "remediation.close": (request) => closeRemediation(deps, request),
    "effect.observe": (request) => observeEffect(deps, request),
  };
  return { ...effectActivities(deps), ...remediation } as RemediationActivities & Record<string, EffectActivity>;
}
