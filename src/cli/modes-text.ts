/** Modes, evidence and the gate as text for people. */
import { duration, plain } from "../contracts/text.ts";
import type { Evidence } from "../policy/evidence.ts";
import type { GateItem } from "../policy/promotion.ts";
import type { ModesAnswer } from "../starters/modes.ts";
import { table } from "./output.ts";

export function modesText({ scopes, effective }: ModesAnswer): string {
  const rows = scopes.map(({ scope, declared, mode, set, lapsed }) => {
    const word = set === null ? "" : `${set.mode} by ${set.by} at ${set.at}: ${set.reason}`;
    return [scope, mode, declared, lapsed === null ? word : `${word} (no more: ${lapsed})`].map(plain);
  });
  const counts = effective.map(({ runbook, group, mode }) => [runbook, group, mode].map(plain));
  return [
    table(["SCOPE", "MODE", "FILES SAY", "SET"], rows),
    ...(counts.length === 0 ? [] : ["", table(["RUNBOOK", "GROUP", "COUNTS"], counts)]),
  ].join("\n");
}

export function evidenceText(evidence: readonly Evidence[]): string {
  if (evidence.length === 0) return "no remediation was closed in this time";
  const rows = evidence.map((one) => {
    const { ended, reviewed } = one;
    const percent = one.agreement === null ? "-" : `${Math.round(one.agreement * 100)}%`;
    return [
      plain(one.runbook),
      plain(one.group),
      String(one.cases),
      `${one.wouldAct} / ${one.wouldAsk} / ${one.wouldRefuse}`,
      `${ended.byItself} / ${ended.later} / ${ended.notYet}`,
      one.medianMs === null ? "-" : duration(one.medianMs),
      `${one.agreed} of ${one.agreed + one.disagreed} (${percent})`,
      String(reviewed.falsePositive + reviewed.masking),
      `${one.healed} / ${one.failed}`,
    ];
  });
  const header = [
    ...["RUNBOOK", "GROUP", "CASES", "WOULD ACT / ASK / REFUSE", "ENDED BY ITSELF / LATER / NOT YET"],
    ...["MEDIAN", "AGREED", "FALSE", "HEALED / FAILED"],
  ];
  return table(header, rows);
}

export function gateText(gate: readonly GateItem[]): string {
  return gate.map(({ item, met, detail }) => plain(`${met ? "ok     " : "missing"} ${item}: ${detail}`)).join("\n");
}
