/** What a message is about, from the record: for routes to choose by, and for templates to tell. */
import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { MessageFacts } from "../../catalogue/notifications.ts";
import type { JsonObject } from "../../contracts/json.ts";
import type { Message, Standing } from "../../ports/ports.ts";
import type { RemediationStory } from "../../record/api.ts";
import { nextOf, standingOf, stateOf } from "./standing.ts";

export interface Situation {
  facts: MessageFacts;
  /** Its target's id. */
  target: string;
  /** `remediation` of the templates: no field of it is empty. */
  about: JsonObject;
  standing: Standing;
}

/** More would hide the rest of a page. */
const MOST_NAMED = 8;

export function situationOf(story: RemediationStory, { route }: Message, catalogue: Catalogue | null): Situation {
  const { remediation: row } = story;
  const { remediationId, target, runbook, group, owner, severity, phase, openedAt } = row;
  const burnRate = burnRateOf(story);
  const ofRunbook = catalogue?.runbooks.find(({ name }) => name === runbook)?.owner;
  return {
    target: target.id,
    facts: {
      route,
      severity,
      owners: [owner, ...(ofRunbook === undefined ? [] : [ofRunbook])],
      group,
      runbook,
      burnRate,
    },
    about: {
      ...{ id: remediationId, kind: target.kind, target: target.id, severity, phase, openedAt },
      ...{ runbook: runbook ?? "none", group: group === "" ? "none" : group, owner: owner === "" ? "nobody" : owner },
      burnRate: burnRate === null ? "not known" : String(burnRate),
      state: stateOf(row),
      tried: triedIn(story),
      waiting: waitingIn(story),
      next: nextOf(row),
    },
    // Of a thread that begins now: nobody decided since.
    standing: standingOf(row, null),
  };
}

/** As the last decision saw it; of several objectives the fastest. */
function burnRateOf({ verdicts }: RemediationStory): number | null {
  const results = verdicts.at(-1)?.verdict.results ?? [];
  const rates = results.flatMap(({ guardrail, saw }) => {
    const rate = guardrail === "slo" ? saw["burnRate"] : undefined;
    return typeof rate === "number" ? [rate] : [];
  });
  return rates.length === 0 ? null : Math.max(...rates);
}

function triedIn({ effects }: RemediationStory): string {
  const each = effects.map(({ action, direction, state }) =>
    direction === "apply" ? `${action}: ${state}` : `${action} ${direction}: ${state}`,
  );
  return named(each);
}

function waitingIn({ waits, remediation: { phase, phaseUntil } }: RemediationStory): string {
  const until = (at: string | null): string => (at === null ? "" : ` until ${at}`);
  const open = waits
    .filter(({ doneAt }) => doneAt === null)
    .map((one) => `${one.system} ${one.ref}${until(one.until)}`);
  return named(phase === "approve" ? [`a person's decision${until(phaseUntil)}`, ...open] : open);
}

function named(all: readonly string[]): string {
  if (all.length === 0) return "nothing";
  const left = all.length - MOST_NAMED;
  return left > 0 ? `${left} more before; ${all.slice(-MOST_NAMED).join(", ")}` : all.join(", ");
}
