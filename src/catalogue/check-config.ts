/** What the grammar of selfheal.yaml and inventory.yaml cannot say. */
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import { checkProbe } from "./check-probe.ts";
import { checkTemplates } from "./check-templates.ts";
import { checkChat } from "./check-chat.ts";
import { checkNotifications } from "./check-notifications.ts";
import { connectionsSchema } from "./connections.ts";
import type { ConfigSpec } from "./grammar/config.ts";
import { issuesToProblems } from "./issues.ts";
import { suggest, type Problem } from "./problems.ts";
import { PLAN_ROOTS } from "./bindings.ts";
import {
  isReference,
  missingToProblems,
  resolveSecrets,
  standIns,
  writtenOutSecrets,
  type SecretSource,
} from "./secrets.ts";
import { unknownGroup } from "./unknown-group.ts";
import type { YamlSource } from "./yaml-source.ts";

export function checkConfig(source: YamlSource, spec: ConfigSpec, secrets: SecretSource | null): Problem[] {
  return [
    ...checkPeople(source, spec),
    ...checkTeams(source, spec),
    ...checkAccess(source, spec),
    ...checkChat(source, spec),
    ...Object.entries(spec.probes).flatMap(([name, probe]) => checkProbe(source, probe, ["probes", name], PLAN_ROOTS)),
    ...Object.entries(spec.slis).flatMap(([name, sli]) =>
      checkTemplates(source, sli.query, ["slis", name, "query"], PLAN_ROOTS),
    ),
    ...checkFlapping(source, spec),
    ...checkConnections(source, spec),
    ...checkNotifications(source, spec),
    ...writtenOutSecrets(source, spec.connections, ["connections"]),
    ...writtenOutSecrets(source, spec.sources as JsonObject, ["sources"]),
    ...misplacedReferences(source, spec.values, ["values"]),
    ...(secrets === null ? [] : checkSecrets(source, spec, secrets)),
  ];
}

function checkPeople(source: YamlSource, spec: ConfigSpec): Problem[] {
  const names = spec.people.map((person) => person.name);
  const repeated = names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? [
          source.problem(["people", index, "name"], "value", {
            message: "this person is there twice",
            wouldBeRight: "each name once",
            value: name,
          }),
        ]
      : [],
  );
  const wideners = spec.rollouts.flatMap(({ by }, index) =>
    names.includes(by)
      ? []
      : [
          source.problem(["rollouts", index, "by"], "value", {
            message: "nobody of this name is among people",
            wouldBeRight: suggest(by, names),
            value: by,
          }),
        ],
  );
  const givers = spec.standingApprovals.flatMap(({ by, group }, index) => {
    const at = ["standingApprovals", index];
    const problems: Problem[] = [];
    if (!names.includes(by)) {
      problems.push(
        source.problem([...at, "by"], "value", {
          message: "nobody of this name is among people",
          wouldBeRight: suggest(by, names),
          value: by,
        }),
      );
    }
    return [...problems, ...unknownGroup(source, { group, path: [...at, "group"], groups: spec.groups })];
  });
  return [...repeated, ...wideners, ...givers];
}

function checkTeams(source: YamlSource, { teams, groups }: ConfigSpec): Problem[] {
  return Object.entries(teams).flatMap(([team, granted]) =>
    granted.groups.flatMap((group, index) =>
      unknownGroup(source, { group, path: ["teams", team, "groups", index], groups }),
    ),
  );
}

function checkAccess(source: YamlSource, { access, groups }: ConfigSpec): Problem[] {
  return (access.oidc?.grants ?? []).flatMap((grant, at) =>
    (grant.groups ?? []).flatMap((group, index) =>
      unknownGroup(source, { group, path: ["access", "oidc", "grants", at, "groups", index], groups }),
    ),
  );
}

/** A fault that goes to a person before it is ever left alone. */
function checkFlapping(source: YamlSource, spec: ConfigSpec): Problem[] {
  const places: [(string | number)[], ConfigSpec["defaults"]][] = [
    [["defaults"], spec.defaults],
    ...Object.entries(spec.groups).map(([name, { limits }]) => {
      return [["groups", name, "limits"], limits] satisfies [(string | number)[], ConfigSpec["defaults"]];
    }),
  ];
  return places.flatMap(([path, { flapping }]) => {
    if (flapping === undefined || flapping === "off" || flapping.person > flapping.from) return [];
    const what = {
      message: "this is not more than `from`",
      wouldBeRight: `more than ${flapping.from}`,
      value: flapping.person,
    };
    return [source.problem([...path, "flapping", "person"], "value", what)];
  });
}

function checkConnections(source: YamlSource, spec: ConfigSpec): Problem[] {
  const parsed = connectionsSchema.safeParse(standIns(spec.connections));
  if (parsed.success) return [];
  const problems = issuesToProblems(source, connectionsSchema, parsed.error.issues, ["connections"]);
  return problems.map((problem) => ({ ...problem, wouldBeRight: secretHelp(problem.wouldBeRight) }));
}

function secretHelp(wouldBeRight: string): string {
  return /secret/i.test(wouldBeRight) ? "a reference to a secret: env:NAME or file:PATH" : wouldBeRight;
}

/** Values go into plans as they are: a reference there would never be resolved. */
function misplacedReferences(source: YamlSource, value: Json, path: (string | number)[]): Problem[] {
  if (isReference(value)) {
    return [
      source.problem(path, "value", {
        message: "a secret cannot be used here: values go into plans and the record",
        wouldBeRight: "references under connections and sources only",
      }),
    ];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => misplacedReferences(source, item, [...path, index]));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => misplacedReferences(source, item, [...path, key]));
}

function checkSecrets(source: YamlSource, spec: ConfigSpec, secrets: SecretSource): Problem[] {
  const both: [string, JsonObject][] = [
    ["connections", spec.connections],
    ["sources", spec.sources as JsonObject],
  ];
  return both.flatMap(([key, value]) => missingToProblems(resolveSecrets(value, secrets, [key]).missing, source));
}
