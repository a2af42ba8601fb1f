/** What the grammar of a runbook cannot say: names that must exist, orders that must hold, steps that need approval. */
import { PLAN_ROOTS, ROOTS } from "./bindings.ts";
import { checkAims } from "./check-aims.ts";
import { checkFilled } from "./check-filled.ts";
import { checkInput } from "./check-input.ts";
import { outputFields, outputOf, unknownAction, type Known } from "./check-known.ts";
import { checkLadder } from "./check-ladder.ts";
import { checkUnreachable } from "./check-overlap.ts";
import { checkProbe } from "./check-probe.ts";
import { checkCondition, checkTemplates, type Scope } from "./check-templates.ts";
import { evaluate } from "./expression.ts";
import type { RunbookSpec } from "./grammar/runbook.ts";
import { suggest, type Problem } from "./problems.ts";
import { rootTypes } from "./types-known.ts";
import { NOT_IN_CONFIG, unknownGroup } from "./unknown-group.ts";
import type { YamlSource } from "./yaml-source.ts";

export function checkRunbook(source: YamlSource, spec: RunbookSpec, known: Known, team: string | null): Problem[] {
  const values = known.config === null ? undefined : Object.keys(known.config.values);
  const collected = Object.fromEntries(
    spec.collect.map(({ id, uses }) => [id, outputFields(known.actions, uses)] as const),
  );
  const schemas = spec.collect.map(({ id, uses }) => [id, outputOf(known.actions, uses)] as const);
  const typeAt = rootTypes(known.config?.values, Object.fromEntries(schemas));
  const scope: Scope = { collected, values, typeAt };
  return [
    ...checkMatch(source, spec),
    ...checkUnreachable({ source, spec }),
    ...checkKind(source, spec, known),
    ...checkGroups(source, spec, known),
    ...checkAims(source, spec, known, team),
    ...checkCondition(source, spec.require, ["require"], PLAN_ROOTS, { ...scope, always: true }),
    ...checkProbe(source, spec.probe, ["probe"], ROOTS, { values, typeAt }),
    ...checkCollect(source, spec, known, { values, typeAt }),
    ...checkLadder(source, spec, known, scope),
    ...checkApproval(source, spec, known),
    ...checkHarm(source, spec, known),
    ...checkFinish(source, spec, known),
    ...checkEscalation(source, spec),
  ];
}

function checkMatch(source: YamlSource, spec: RunbookSpec): Problem[] {
  return spec.match.flatMap((entry, index) =>
    Object.entries(entry).flatMap(([label, matcher]) => {
      if (typeof matcher === "string") return [];
      const result = evaluate("''.matches(pattern)", { pattern: matcher.matches });
      if (result.ok) return [];
      const path = ["match", index, label, "matches"];
      return [
        source.problem(path, "value", {
          message: "this is no regular expression",
          wouldBeRight: "RE2 syntax",
          value: matcher.matches,
        }),
      ];
    }),
  );
}

function checkKind(source: YamlSource, spec: RunbookSpec, { kinds }: Known): Problem[] {
  const { kind } = spec.target;
  if (kinds === null || kinds.includes(kind)) return [];
  const what = {
    message: "the inventory has no target of this kind",
    wouldBeRight: suggest(kind, kinds),
    value: kind,
    severity: "warning" as const,
  };
  return [source.problem(["target", "kind"], "value", what)];
}

function checkGroups(source: YamlSource, { target }: RunbookSpec, { config }: Known): Problem[] {
  if (config === null) return [];
  const { groups } = config;
  return (target.groups ?? []).flatMap((group, index) =>
    unknownGroup(source, { group, path: ["target", "groups", index], groups }, NOT_IN_CONFIG),
  );
}

function checkCollect(source: YamlSource, spec: RunbookSpec, { actions }: Known, scope: Scope): Problem[] {
  const ids = spec.collect.map((item) => item.id);
  return spec.collect.flatMap((item, index) => {
    const at = ["collect", index];
    const problems = checkTemplates(source, item.with, [...at, "with"], ROOTS, scope);
    if (ids.indexOf(item.id) < index) {
      problems.push(
        source.problem([...at, "id"], "value", {
          message: "this id is there twice",
          wouldBeRight: "each id once",
          value: item.id,
        }),
      );
    }
    const action = Object.hasOwn(actions, item.uses) ? actions[item.uses] : undefined;
    if (action === undefined) return [...problems, unknownAction(source, item.uses, [...at, "uses"], actions)];
    if (action.risk !== "read") {
      const wouldBeRight = "an action that only reads: evidence is collected before anything is touched";
      problems.push(
        source.problem([...at, "uses"], "value", {
          message: "this action changes something",
          wouldBeRight,
          value: item.uses,
        }),
      );
    }
    return [
      ...problems,
      ...checkInput(source, action.input, item.with, [...at, "with"]),
      ...checkFilled(source, action.input, item.with, [...at, "with"], scope),
    ];
  });
}

function checkApproval(source: YamlSource, spec: RunbookSpec, { actions, config }: Known): Problem[] {
  if (spec.approval === undefined) {
    return spec.ladder.flatMap((rung, at) =>
      rung.steps.flatMap((step, index) => {
        const risk = Object.hasOwn(actions, step.uses) ? actions[step.uses]?.risk : undefined;
        if (risk !== "irreversible" && risk !== "high") return [];
        const message = `this action is ${risk === "high" ? "of high risk" : "irreversible"}, and the runbook has no approval`;
        const path = ["ladder", at, "steps", index, "uses"];
        return [source.problem(path, "value", { message, wouldBeRight: "approval: { roles: […] }", value: step.uses })];
      }),
    );
  }
  if (config === null) return [];
  const held = new Set(config.people.flatMap((person) => person.roles));
  const { roles, quorum } = spec.approval;
  const mayApprove = config.people.filter((person) => person.roles.some((role) => roles.includes(role)));
  if (mayApprove.length >= quorum) return [];
  if (mayApprove.length > 0) {
    const message = `only ${mayApprove.length} of people have one of these roles`;
    const wouldBeRight = `at most ${mayApprove.length}, or more people with the role`;
    const few = { message, wouldBeRight, value: quorum, severity: "warning" as const };
    return [source.problem(["approval", "quorum"], "value", few)];
  }
  const what = {
    message: "nobody among people has one of these roles",
    wouldBeRight: suggest(spec.approval.roles[0] ?? "", [...held]),
    value: spec.approval.roles,
    severity: "warning" as const,
  };
  return [source.problem(["approval", "roles"], "value", what)];
}

function checkHarm(source: YamlSource, spec: RunbookSpec, { config }: Known): Problem[] {
  if (spec.harm === undefined || config === null) return [];
  const { sli: name, worseBy } = spec.harm;
  const sli = Object.hasOwn(config.slis, name) ? config.slis[name] : undefined;
  if (sli === undefined) {
    const what = {
      message: "selfheal.yaml has no such SLI",
      wouldBeRight: suggest(name, Object.keys(config.slis)),
      value: name,
    };
    return [source.problem(["harm", "sli"], "value", what)];
  }
  if ((worseBy ?? sli.worseBy) !== undefined) return [];
  return [
    source.problem(["harm", "worseBy"], "key", {
      message: "this is missing, and the SLI has no default",
      wouldBeRight: "an absolute distance such as 0.02",
    }),
  ];
}

/** Something was changed and is not well: a runbook cannot have that slept over. */
function checkEscalation(source: YamlSource, { finish }: RunbookSpec): Problem[] {
  const { afterEffect } = finish.escalate;
  if (afterEffect === "page") return [];
  const what = { message: "a failure after an effect always pages", wouldBeRight: "page", value: afterEffect };
  return [source.problem(["finish", "escalate", "afterEffect"], "value", what)];
}

function checkFinish(source: YamlSource, spec: RunbookSpec, { actions }: Known): Problem[] {
  const { restore, over } = spec.finish.healthy;
  if (restore === "ramp" && over === undefined) {
    return [
      source.problem(["finish", "healthy", "over"], "key", {
        message: "this is missing",
        wouldBeRight: "how long the ramp takes, e.g. 10m",
      }),
    ];
  }
  const uses = spec.ladder.flatMap((rung) => rung.steps.map((step) => step.uses));
  if (restore === "atOnce" || uses.some((name) => Object.hasOwn(actions, name) && actions[name]?.ramped === true))
    return [];
  const what = {
    message: "no step of the ladder can come back gradually",
    wouldBeRight: "atOnce",
    value: restore,
    severity: "warning" as const,
  };
  return [source.problem(["finish", "healthy", "restore"], "value", what)];
}
