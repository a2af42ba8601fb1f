/** Which silences that people set are on a target: somebody is at work there. */
import type { HumanSilence } from "../contracts/surroundings.ts";
import type { Alert } from "../contracts/alert.ts";
import type { Target } from "../contracts/target.ts";
import type { Silence } from "../ports/ports.ts";
import { normaliseName, type Inventory } from "./identity.ts";
import { matchesWhole } from "./match.ts";

/** A pattern that matches this matches any name, and so names nobody. */
const NOBODY = "no-target-has-this-name";

/**
 * A silence is on the target when it mutes one of its alerts, or when one of its matchers names the target: by any of its
 * names, or by a pattern over one of the labels `from` that does not match just everything. Our own do not count.
 */
export function silencesOn(
  inventory: Inventory,
  target: Target,
  from: readonly string[],
  alerts: readonly Pick<Alert, "labels">[],
  silences: readonly Silence[],
): HumanSilence[] {
  const labels = [...new Set([...from, target.kind, "instance"])];
  const names = namesOf(inventory, target);
  const values = alerts.flatMap((alert) => labels.flatMap((label) => alert.labels[label] ?? []));
  const isNamed = ({ name, value, isRegex, isEqual }: Silence["matchers"][number]): boolean => {
    if (!isEqual) return false;
    if (!isRegex) return isName(inventory, target, value);
    if (!labels.includes(name) || matchesWhole(NOBODY, value)) return false;
    return [...names, ...values].some((one) => matchesWhole(one, value));
  };
  return silences
    .filter((one) => !one.ours)
    .filter(({ matchers }) => alerts.some((alert) => mutes(matchers, alert.labels)) || matchers.some(isNamed))
    .map(({ id, createdBy: by, comment, endsAt }) => ({ id, by, comment: comment.slice(0, 200), endsAt }));
}

/** As Alertmanager does: a label that is not there is empty; no matcher at all mutes nothing. */
function mutes(matchers: Silence["matchers"], labels: Record<string, string>): boolean {
  return (
    matchers.length > 0 &&
    matchers.every(({ name, value, isRegex, isEqual }) => {
      const label = labels[name] ?? "";
      return (isRegex ? matchesWhole(label, value) : label === value) === isEqual;
    })
  );
}

function isName({ byName, domains }: Inventory, { kind, id }: Target, text: string): boolean {
  return byName.get(kind)?.get(normaliseName(text, domains))?.id === id;
}

function namesOf({ byName }: Inventory, { kind, id }: Target): string[] {
  return [...(byName.get(kind) ?? [])].filter(([, target]) => target.id === id).map(([name]) => name);
}
