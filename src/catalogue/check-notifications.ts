/** `notifications` of selfheal.yaml: channels that are there, templates that can be filled, pages that stay pages. */
import { checkTemplates } from "./check-templates.ts";
import type { ConfigSpec } from "./grammar/config.ts";
import { MESSAGE_ROOTS, SAMPLE } from "./notifications.ts";
import { type PathPart, type Problem, suggest } from "./problems.ts";
import { fill } from "./template.ts";
import type { YamlSource } from "./yaml-source.ts";

export function checkNotifications(source: YamlSource, { notifications, connections }: ConfigSpec): Problem[] {
  const { routes, otherwise, templates } = notifications;
  const known = channelsOf(connections);
  const unknown = (names: readonly string[], path: PathPart[]): Problem[] =>
    names.flatMap((name, index) => {
      if (known.includes(name)) return [];
      const wouldBeRight = known.length === 0 ? "a channel of connections.channels" : suggest(name, known);
      return [
        source.problem([...path, index], "value", { message: "there is no such channel", wouldBeRight, value: name }),
      ];
    });
  return [
    ...routes.flatMap(({ to }, index) => unknown(to, ["notifications", "routes", index, "to"])),
    ...unknown(otherwise ?? [], ["notifications", "otherwise"]),
    ...routes.flatMap(({ when, as }, index) => {
      if (as === undefined || as === "page" || (when.route !== undefined && !when.route.includes("page"))) return [];
      const what = {
        message: "this would make less of a page",
        wouldBeRight: "when.route without page, as in { route: [ticket] }",
        value: as,
      };
      return [source.problem(["notifications", "routes", index, "as"], "value", what)];
    }),
    ...Object.entries(templates).flatMap(([route, words]) =>
      Object.entries(words).flatMap(([part, text]) =>
        checkWords(source, text, ["notifications", "templates", route, part]),
      ),
    ),
  ];
}

function checkWords(source: YamlSource, value: string, path: PathPart[]): Problem[] {
  const problems = checkTemplates(source, value, path, MESSAGE_ROOTS);
  if (problems.length > 0) return problems;
  const filled = fill(value, SAMPLE);
  if (filled.ok) return [];
  const fields = Object.entries(SAMPLE).flatMap(([root, all]) => Object.keys(all).map((field) => `${root}.${field}`));
  return [
    source.problem(path, "value", { message: filled.reason, wouldBeRight: `one of ${fields.join(", ")}`, value }),
  ];
}

function channelsOf({ channels, notify }: ConfigSpec["connections"]): string[] {
  const named =
    typeof channels === "object" && channels !== null && !Array.isArray(channels) ? Object.keys(channels) : [];
  return notify === undefined ? named : [...named, "notify"];
}
