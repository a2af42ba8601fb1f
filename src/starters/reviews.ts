/** What a person says of a remediation that is closed. */
import type { Catalogue } from "../catalogue/catalogue.ts";
import { whyUnknown } from "../catalogue/people.ts";
import type { ReviewVerdict } from "../contracts/autonomy.ts";
import type { RecordStore } from "../record/api.ts";
import { findRemediation } from "./decisions.ts";
import { asConflict, conflict, notAllowed, throughRecord } from "./problems.ts";

export interface ReviewDependencies {
  record: Pick<RecordStore, "find" | "review">;
  active: () => Promise<Catalogue>;
}
export interface ReviewWish {
  id: string;
  verdict: ReviewVerdict;
  by: string;
  reason: string;
}
export interface ReviewAnswer {
  remediationId: string;
  target: { kind: string; id: string };
  outcome: string;
  verdict: ReviewVerdict;
}

export async function review(deps: ReviewDependencies, wish: ReviewWish): Promise<ReviewAnswer> {
  const { verdict, by, reason } = wish;
  const { remediationId, target, outcome, phase } = await findRemediation(deps.record, wish.id);
  if (outcome === null)
    throw conflict(`remediation ${remediationId} is open (phase ${phase}): review it once it is closed`);
  const fault = whyUnknown(await throughRecord("read the active catalogue", deps.active), by, null);
  if (fault !== null) throw notAllowed(fault);
  await throughRecord("write the review", () =>
    deps.record.review({ remediationId, verdict, by, reason }).catch(asConflict),
  );
  return { remediationId, target, outcome, verdict };
}
