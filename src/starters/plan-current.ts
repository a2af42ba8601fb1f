/** Whether a plan that nobody has admitted yet is still what the active catalogue says: for whoever is to approve it. */
import { canonicalJson } from "../catalogue/canonical.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { normaliseName } from "../catalogue/identity.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Phase } from "../contracts/remediation.ts";
import type { RemediationStory } from "../record/api.ts";

/** Sentences; none: the runbook and the target are as the plan has them. */
export type SincePlanned = string[];

const BEFORE_ACT: readonly Phase[] = ["open", "confirm", "decide", "approve", "admit"];

/**
 * null: there is no plan that waits. An edit of the catalogue does not change the plan (it keeps its version), so a
 * person who is asked must see that it was made before the edit.
 */
export function sincePlanned(
  catalogue: Catalogue | null,
  { plan, remediation }: Pick<RemediationStory, "plan" | "remediation">,
): SincePlanned | null {
  if (catalogue === null || plan === null) return null;
  const { closedAt, phase, catalogueVersion } = remediation;
  if (closedAt !== null || !BEFORE_ACT.includes(phase)) return null;
  if (catalogueVersion === catalogue.version) return [];
  return [...ofRunbook(catalogue, plan), ...ofTarget(catalogue, plan)];
}

function ofRunbook({ runbooks }: Catalogue, { runbook, runbookHash }: Plan): string[] {
  const now = runbooks.find(({ name }) => name === runbook);
  if (now === undefined) return [`runbook ${runbook} is not in the catalogue any more`];
  const versions = `${runbookHash.slice(0, 12)} then, ${now.hash.slice(0, 12)} now`;
  return now.hash === runbookHash ? [] : [`runbook ${runbook} has changed (${versions})`];
}

function ofTarget({ inventory }: Catalogue, { target }: Plan): string[] {
  const now = inventory.byName.get(target.kind)?.get(normaliseName(target.id, inventory.domains));
  if (now === undefined) return [`the inventory does not have ${target.kind}/${target.id} any more`];
  const facts = (of: Plan["target"]): [string, string][] =>
    Object.entries(of).map(([name, value]) => [name, canonicalJson(value as never)]);
  const before = new Map(facts(target));
  const changed = facts(now).flatMap(([name, value]) => (before.get(name) === value ? [] : [name]));
  return changed.length === 0 ? [] : [`the inventory says otherwise of ${target.id} now: ${changed.join(", ")}`];
}
