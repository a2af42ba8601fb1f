/** Who people are in chat: nobody is two people, and groups are there. */
import type { ConfigSpec } from "./grammar/config.ts";
import type { Problem } from "./problems.ts";
import { unknownGroup } from "./unknown-group.ts";
import type { YamlSource } from "./yaml-source.ts";

export function checkChat(source: YamlSource, { people, groups }: ConfigSpec): Problem[] {
  const ids = people.map(({ slack }) => slack?.id);
  return people.flatMap(({ slack }, at) => {
    if (slack === undefined) return [];
    const twice = ids.indexOf(slack.id) < at;
    const unknown = (slack.groups ?? []).flatMap((group, index) =>
      unknownGroup(source, { group, path: ["people", at, "slack", "groups", index], groups }),
    );
    const what = {
      message: "this Slack user is another person already",
      wouldBeRight: "each id once",
      value: slack.id,
    };
    return [...(twice ? [source.problem(["people", at, "slack", "id"], "value", what)] : []), ...unknown];
  });
}
