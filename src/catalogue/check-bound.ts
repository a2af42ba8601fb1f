/** What selfheal.yaml binds to one version of a runbook: standing approvals and rollouts. */
import type { JsonObject } from "../contracts/json.ts";
import { groupsOf, type Actions } from "./catalogue.ts";
import type { Written } from "./check-known.ts";
import type { ConfigSpec } from "./grammar/config.ts";
import { suggest, type Problem } from "./problems.ts";
import { runbookHash } from "./runbook-hash.ts";
import type { YamlSource } from "./yaml-source.ts";

export interface Runbooks {
  runbooks: readonly Written[];
  actions: Actions;
  /** A team's runbooks are not as its files say: that one of them is missing here is then no error of selfheal.yaml. */
  isPartial: boolean;
}

/** What is bound to another version of a runbook is no error: it has lapsed, and that must be seen. */
export function checkBound(source: YamlSource, config: ConfigSpec, known: Runbooks): Problem[] {
  return [
    ...config.standingApprovals.flatMap((one, index) => {
      const path = ["standingApprovals", index];
      return [
        ...checkOne(source, "approval", path, one, known),
        ...checkGroup(source, [...path, "group"], one, config, known),
      ];
    }),
    ...config.rollouts.flatMap((one, index) => checkOne(source, "rollout", ["rollouts", index], one, known)),
  ];
}

function checkOne(
  source: YamlSource,
  thing: string,
  path: (string | number)[],
  { runbook, runbookHash: bound }: { runbook: string; runbookHash: string },
  { runbooks, actions, isPartial }: Runbooks,
): Problem[] {
  const names = runbooks.map(({ spec }) => spec.metadata.name);
  const found = runbooks[names.indexOf(runbook)];
  if (found === undefined) {
    const message = "there is no such runbook";
    const severity = isPartial ? ("warning" as const) : ("error" as const);
    const what = { message, wouldBeRight: suggest(runbook, names), value: runbook, severity };
    return [source.problem([...path, "runbook"], "value", what)];
  }
  const hash = runbookHash(found.source.json as JsonObject, source.json as JsonObject, actions);
  if (hash === bound) return [];
  const what = {
    message: `this ${thing} has lapsed: the runbook has changed`,
    wouldBeRight: `its hash is now ${hash}`,
    value: bound,
    severity: "warning" as const,
  };
  return [source.problem([...path, "runbookHash"], "value", what)];
}

/** A standing approval that is in force where the runbook may not act at all. */
function checkGroup(
  source: YamlSource,
  path: (string | number)[],
  { runbook, runbookHash: bound, group }: { runbook: string; runbookHash: string; group: string },
  config: ConfigSpec,
  { runbooks, actions }: Runbooks,
): Problem[] {
  const found = runbooks.find(({ spec }) => spec.metadata.name === runbook);
  const groups = found === undefined ? null : groupsOf(found.spec, found.team, config);
  if (found === undefined || groups === null || groups.includes(group)) return [];
  if (runbookHash(found.source.json as JsonObject, source.json as JsonObject, actions) !== bound) return [];
  const message = `the runbook ${runbook} may not touch this group`;
  return [source.problem(path, "value", { message, wouldBeRight: suggest(group, groups), value: group })];
}
