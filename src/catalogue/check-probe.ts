import { checkFilled } from "./check-filled.ts";
import { checkInput } from "./check-input.ts";
import { checkCondition, checkTemplates, type Scope } from "./check-templates.ts";
import type { ProbeDefinition } from "./grammar/common.ts";
import { PROBE_KINDS } from "./probe-kinds.ts";
import { suggest, type PathPart, type Problem } from "./problems.ts";
import { measuredType } from "./types-known.ts";
import type { YamlSource } from "./yaml-source.ts";

const MEASURED: Scope = { typeAt: measuredType };

export function checkProbe(
  source: YamlSource,
  probe: ProbeDefinition,
  path: readonly PathPart[],
  roots: readonly string[],
  scope: Scope = {},
): Problem[] {
  const kind = Object.hasOwn(PROBE_KINDS, probe.uses) ? PROBE_KINDS[probe.uses] : undefined;
  if (kind === undefined) {
    const wouldBeRight = suggest(probe.uses, Object.keys(PROBE_KINDS));
    return [
      source.problem([...path, "uses"], "value", {
        message: "there is no such kind of probe",
        wouldBeRight,
        value: probe.uses,
      }),
    ];
  }
  return [
    ...checkInput(source, kind.input, probe.with, [...path, "with"]),
    ...checkTemplates(source, probe.with, [...path, "with"], roots, scope),
    ...checkFilled(source, kind.input, probe.with, [...path, "with"], scope),
    ...checkCondition(source, probe.states.unhealthy, [...path, "states", "unhealthy"], kind.measured, MEASURED),
    ...checkCondition(source, probe.states.healthy, [...path, "states", "healthy"], kind.measured, MEASURED),
    ...sameStates(source, probe, path),
  ];
}

function sameStates(source: YamlSource, { states }: ProbeDefinition, path: readonly PathPart[]): Problem[] {
  if (states.healthy !== states.unhealthy) return [];
  const what = {
    message: "both states are the same, so the probe is always unknown",
    wouldBeRight: "the opposite of unhealthy",
    value: states.healthy,
  };
  return [source.problem([...path, "states", "healthy"], "value", what)];
}
