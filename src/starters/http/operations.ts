/** The route table: every operation of the API. */
import { ALERT_OPERATIONS } from "./alerts.ts";
import { AUTONOMY_OPERATIONS } from "./autonomy.ts";
import { CATALOGUE_OPERATIONS } from "./catalogue.ts";
import type { AppDependencies } from "./context.ts";
import { CONTROL_OPERATIONS } from "./controls.ts";
import { docsOperations } from "./docs.ts";
import { eventOperations } from "./events.ts";
import { EXPLAIN_OPERATIONS } from "./explain.ts";
import { healthOperations } from "./health.ts";
import type { AnyOperation } from "./operation.ts";
import { PAGE_OPERATIONS } from "./pages.ts";
import { REMEDIATION_OPERATIONS } from "./remediations.ts";
import { SURROUNDING_OPERATIONS } from "./surroundings.ts";
import { WORD_OPERATIONS } from "./words.ts";

/** Of one app: some keep something between requests. */
export function operations(deps: AppDependencies): AnyOperation[] {
  const all = [
    ...ALERT_OPERATIONS,
    ...REMEDIATION_OPERATIONS,
    ...WORD_OPERATIONS,
    ...eventOperations(deps),
    ...EXPLAIN_OPERATIONS,
    ...CONTROL_OPERATIONS,
    ...AUTONOMY_OPERATIONS,
    ...SURROUNDING_OPERATIONS,
    ...PAGE_OPERATIONS,
    ...CATALOGUE_OPERATIONS,
    ...healthOperations(deps),
  ];
  return [...all, ...docsOperations(all)];
}
