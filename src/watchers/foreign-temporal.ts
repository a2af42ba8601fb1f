/**
 * The Temporal that answers is not the one that the record belongs to. The sweeper sees it, and so does every worker at
 * its start and while it runs: a server that was set up anew has no Schedule, so there no sweeper would ever run.
 */
import type { Logger } from "pino";
import { messageOf } from "../config/user-error.ts";
import type { NotifyPort } from "../ports/ports.ts";
import type { SweepRecord } from "../record/api-sweep.ts";
import { foreign, type ForeignTemporal } from "../starters/own-temporal.ts";
import { candidate, toFinding, type Candidate, type LookDependencies } from "./sweep-finding.ts";

export async function lookAtHome({ record, temporal }: LookDependencies): Promise<Candidate[]> {
  const [home, seen] = await Promise.all([record.temporalHome(), temporal.identity()]);
  const fault = foreign(home, seen);
  return fault === null ? [] : [foreignFinding(fault)];
}

function foreignFinding({ message, seen, home }: ForeignTemporal): Candidate {
  return candidate({
    code: "TEMPORAL_FOREIGN",
    part: "temporal",
    about: seen.namespaceId,
    severity: "page",
    sentence: message,
    ids: { namespaceId: seen.namespaceId, recordBelongsTo: home.namespaceId },
    next: "selfheal doctor   # and compare TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE with those of before",
  });
}

export interface ReportDependencies {
  record: Pick<SweepRecord, "saveFinding" | "claimTelling" | "findingsTold">;
  notify: NotifyPort;
  log: Logger;
}

/** Leaves the finding in the record and pages people, once, however many workers see it and start again. Never rejects. */
export async function reportForeign(
  { record, notify, log }: ReportDependencies,
  fault: ForeignTemporal,
): Promise<void> {
  const { key, sentence, next } = foreignFinding(fault);
  try {
    await record.saveFinding(toFinding(foreignFinding(fault)));
    if (!(await record.claimTelling(key))) return;
    const title = "selfheal: TEMPORAL_FOREIGN";
    const told = await notify
      .send({ key: `sweep/${key}`, route: "page", title, text: `${sentence}. Next: ${next}` })
      .then(
        () => null,
        (error: unknown) => messageOf(error),
      );
    await record.findingsTold([key], told);
  } catch (error) {
    log.error({ err: error }, "people could not be told that Temporal is not the record's own");
  }
}
