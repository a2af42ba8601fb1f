import { describe } from "vitest";
import { admissionSuite } from "./admission.ts";
import { approvalSuite } from "./approvals.ts";
import { assessmentSuite } from "./assessments.ts";
import { autonomySuite } from "./autonomy.ts";
import { commandSuite } from "./commands.ts";
import { effectSuite } from "./effects.ts";
import { episodeSuite } from "./episodes.ts";
import { guardsSuite } from "./guards.ts";
import { identitySuite } from "./identity.ts";
import { ingestSuite } from "./ingest.ts";
import { notificationsSuite } from "./notifications.ts";
import { othersSuite } from "./others.ts";
import type { Create } from "./suite.ts";
import { surroundingsSuite } from "./surroundings.ts";

/** Everything that the record promises, whatever the server. */
export function storeSuite(server: string, create: Create): void {
  describe(`the record on ${server}`, () => {
    identitySuite(create);
    ingestSuite(create);
    episodeSuite(create);
    assessmentSuite(create);
    admissionSuite(create);
    effectSuite(create);
    approvalSuite(create);
    commandSuite(create);
    guardsSuite(create);
    surroundingsSuite(create);
    autonomySuite(create);
    notificationsSuite(create);
    othersSuite(create);
  });
}
