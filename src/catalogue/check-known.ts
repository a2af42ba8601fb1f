import type { z } from "zod";
import type { Actions } from "./catalogue.ts";
import type { ConfigSpec } from "./grammar/config.ts";
import type { RunbookSpec } from "./grammar/runbook.ts";
import { shapeOf } from "./issues.ts";
import { suggest, type Problem } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

/** What a runbook is checked against. */
export interface Known {
  actions: Actions;
  /** null when only runbooks are checked: what they refer to in selfheal.yaml is then not looked up. */
  config: ConfigSpec | null;
  /** Kinds of target in the inventory; null when it is not known. */
  kinds: readonly string[] | null;
  /** Groups with targets of each kind; null as above. */
  groupsOfKind: ReadonlyMap<string, ReadonlySet<string>> | null;
}

/** A runbook whose grammar is right, with the file that it stands in. */
export interface Written {
  source: YamlSource;
  spec: RunbookSpec;
  /** Whose folder it lies in; null: nobody's in particular. */
  team: string | null;
}

/** The schema of an action's result; null when the action is not known. */
export function outputOf(actions: Actions, uses: string): z.ZodType | null {
  return (Object.hasOwn(actions, uses) ? actions[uses]?.output : undefined) ?? null;
}

/** The fields of an action's result; null when the action is not known. */
export function outputFields(actions: Actions, uses: string): string[] | null {
  const action = Object.hasOwn(actions, uses) ? actions[uses] : undefined;
  return action === undefined ? null : Object.keys(shapeOf(action.output));
}

export function unknownAction(source: YamlSource, uses: string, path: (string | number)[], actions: Actions): Problem {
  const wouldBeRight = suggest(uses, Object.keys(actions));
  return source.problem(path, "value", { message: "there is no such action", wouldBeRight, value: uses });
}
