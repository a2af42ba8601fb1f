import type { z } from "zod";
import { PLAN_ROOTS } from "./bindings.ts";
import { checkFilled } from "./check-filled.ts";
import { checkInput } from "./check-input.ts";
import { outputFields, outputOf, unknownAction, type Known } from "./check-known.ts";
import { checkTemplates, type Scope } from "./check-templates.ts";
import { formatDuration } from "./duration.ts";
import { stepId, type RunbookSpec, type StepSpec } from "./grammar/runbook.ts";
import { shapeOf } from "./issues.ts";
import { isDuration, prepareInput } from "./inputs.ts";
import { suggest, type Problem } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

type Rung = RunbookSpec["ladder"][number];

/** The spec must be parsed with scale 1: time-outs are compared with what the actions really need. */
export function checkLadder(source: YamlSource, spec: RunbookSpec, known: Known, scope: Scope): Problem[] {
  const names = spec.ladder.map((rung) => rung.rung);
  return spec.ladder.flatMap((rung, at) => [
    ...(names.indexOf(rung.rung) < at
      ? [
          source.problem(["ladder", at, "rung"], "value", {
            message: "this rung is there twice: the ladder is climbed once",
            wouldBeRight: "each name once",
            value: rung.rung,
          }),
        ]
      : []),
    ...checkSteps(source, rung, at, known, scope),
    ...checkAlso(source, rung, at, known),
    ...checkSilence(source, rung, at, known),
  ]);
}

function checkSteps(source: YamlSource, rung: Rung, at: number, known: Known, scope: Scope): Problem[] {
  const ids = rung.steps.map(stepId);
  return rung.steps.flatMap((step, index) => {
    const path = ["ladder", at, "steps", index];
    const earlier = rung.steps
      .slice(0, index)
      .map((one) => [stepId(one), outputFields(known.actions, one.uses)] as const);
    const here: Scope = { ...scope, steps: Object.fromEntries(earlier), laterSteps: ids.slice(index) };
    const problems = checkTemplates(source, step.with, [...path, "with"], PLAN_ROOTS, here);
    if (ids.indexOf(ids[index] ?? "") < index) {
      const key = step.id === undefined ? "uses" : "id";
      const what = {
        message: "the rung has this step id already",
        wouldBeRight: "an id of its own (id: …)",
        value: ids[index],
      };
      problems.push(source.problem([...path, key], "value", what));
    }
    const action = Object.hasOwn(known.actions, step.uses) ? known.actions[step.uses] : undefined;
    if (action === undefined) return [...problems, unknownAction(source, step.uses, [...path, "uses"], known.actions)];
    return [
      ...problems,
      ...checkInput(source, action.input, step.with, [...path, "with"]),
      ...checkFilled(source, action.input, step.with, [...path, "with"], {
        ...here,
        outputs: outputsOf(rung, index, known),
      }),
      ...checkWithin(source, step, action.lifeMs, path),
    ];
  });
}

/** By id, of the steps before. */
function outputsOf(rung: Rung, before: number, { actions }: Known): Record<string, z.ZodType | null> {
  return Object.fromEntries(rung.steps.slice(0, before).map((step) => [stepId(step), outputOf(actions, step.uses)]));
}

/** Giving up before a lost request has died would leave its effect to chance. */
function checkWithin(source: YamlSource, step: StepSpec, lifeMs: number, path: (string | number)[]): Problem[] {
  if (step.within === undefined || step.within >= lifeMs) return [];
  const message = `a request of ${step.uses} may still take effect ${formatDuration(lifeMs)} after it was sent: this is shorter`;
  const what = { message, wouldBeRight: `at least ${formatDuration(lifeMs)}`, value: formatDuration(step.within) };
  return [source.problem([...path, "within"], "value", what)];
}

function checkAlso(source: YamlSource, rung: Rung, at: number, { config }: Known): Problem[] {
  if (config === null) return [];
  return rung.verify.also.flatMap((name, index) => {
    if (Object.hasOwn(config.probes, name)) return [];
    const what = {
      message: "selfheal.yaml has no such probe",
      wouldBeRight: suggest(name, Object.keys(config.probes)),
      value: name,
    };
    return [source.problem(["ladder", at, "verify", "also", index], "value", what)];
  });
}

/** A step that lasts for a time (`for`), such as a silence, and ends before the rung can. */
function checkSilence(source: YamlSource, rung: Rung, at: number, { actions }: Known): Problem[] {
  const waits = rung.steps.map(
    (step) => step.within ?? (Object.hasOwn(actions, step.uses) ? (actions[step.uses]?.defaultWithinMs ?? 0) : 0),
  );
  return rung.steps.flatMap((step, index) => {
    const input = Object.hasOwn(actions, step.uses) ? actions[step.uses]?.input : undefined;
    const field =
      input === undefined ? undefined : ["for", "forMs"].find((key) => isDuration(key, shapeOf(input)[key]));
    if (input === undefined || field === undefined) return [];
    const lasts = prepareInput(input, step.with, 1).input[field];
    const needed = waits.slice(index + 1).reduce((sum, wait) => sum + wait, rung.verify.within + rung.verify.hold);
    if (typeof lasts !== "number" || lasts >= needed) return [];
    const message = `this ends before the rung can: its waits add up to ${formatDuration(needed)}`;
    const what = {
      message,
      wouldBeRight: `at least ${formatDuration(needed)}`,
      value: formatDuration(lasts),
      severity: "warning" as const,
    };
    return [source.problem(["ladder", at, "steps", index, "with", "for"], "value", what)];
  });
}
