import type { AnyAction } from "../ports/action.ts";
import { hostActions } from "./host.ts";
import { loadbalancerActions } from "./loadbalancer.ts";
import { monitoringActions } from "./monitoring.ts";
import { provisionerActions } from "./provisioner.ts";
import { ticketActions } from "./tickets.ts";

/** Every action there is, by name: runbooks are checked against these. */
export const ACTIONS: Record<string, AnyAction> = byName([
  ...monitoringActions,
  ...loadbalancerActions,
  ...ticketActions,
  ...hostActions,
  ...provisionerActions,
]);

function byName(actions: AnyAction[]): Record<string, AnyAction> {
  const all: Record<string, AnyAction> = {};
  for (const action of actions) {
    if (all[action.name]) throw new Error(`two actions are named ${action.name}`);
    all[action.name] = action;
  }
  return all;
}
