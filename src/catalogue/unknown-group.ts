import { type PathPart, type Problem, suggest } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

/** What is wrong with the group named at `path`, when it is none of `groups`. `message`: where another file names it. */
export function unknownGroup(
  source: YamlSource,
  { group, path, groups }: { group: string; path: readonly PathPart[]; groups: object },
  message = "there is no such group",
): Problem[] {
  if (Object.hasOwn(groups, group)) return [];
  const wouldBeRight = suggest(group, Object.keys(groups));
  return [source.problem(path, "value", { message, wouldBeRight, value: group })];
}

/** As unknownGroup, of a file beside selfheal.yaml. */
export const NOT_IN_CONFIG = "selfheal.yaml has no such group";
