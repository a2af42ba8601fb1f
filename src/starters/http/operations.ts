/** The route table: every operation of the API. */
import { ALERT_OPERATIONS } from "./alerts.ts";
import { AUDIT_OPERATIONS } from "./audit.ts";
import { AUTONOMY_OPERATIONS } from "./autonomy.ts";
import { CATALOGUE_OPERATIONS } from "./catalogue.ts";
import { CHAT_OPERATIONS } from "./chat.ts";
import { CONTROL_OPERATIONS } from "./controls.ts";
import { docsOperations } from "./docs.ts";
import { EVENT_OPERATIONS } from "./events.ts";
import { EXPLAIN_OPERATIONS } from "./explain.ts";
import { HEALTH_OPERATIONS } from "./health.ts";
import { IDENTITY_OPERATIONS } from "./identity.ts";
import type { AnyOperation } from "./operation.ts";
import { PAGE_OPERATIONS } from "./pages.ts";
import { REPORT_OPERATIONS } from "./reports.ts";
import { REMEDIATION_OPERATIONS } from "./remediations.ts";
import { SURROUNDING_OPERATIONS } from "./surroundings.ts";
import { WORD_OPERATIONS } from "./words.ts";

const ALL: AnyOperation[] = [
  ...ALERT_OPERATIONS,
  ...REMEDIATION_OPERATIONS,
  ...WORD_OPERATIONS,
  ...EVENT_OPERATIONS,
  ...CHAT_OPERATIONS,
  ...EXPLAIN_OPERATIONS,
  ...CONTROL_OPERATIONS,
  ...AUTONOMY_OPERATIONS,
  ...SURROUNDING_OPERATIONS,
  ...PAGE_OPERATIONS,
  ...CATALOGUE_OPERATIONS,
  ...REPORT_OPERATIONS,
  ...AUDIT_OPERATIONS,
  ...IDENTITY_OPERATIONS,
  ...HEALTH_OPERATIONS,
];

export const OPERATIONS: readonly AnyOperation[] = [...ALL, ...docsOperations(ALL)];
