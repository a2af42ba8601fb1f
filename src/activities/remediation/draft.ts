/** What the stages of one call write, kept back to be saved in one transaction. Reading sees what stood before. */
import type { RecordStore } from "../../record/api.ts";
import type { Assessment, Closed, CloseRequest } from "../../record/api-episodes.ts";

export class Draft {
  readonly #record: RecordStore;
  #assessment: Assessment;

  constructor(record: RecordStore, remediationId: string) {
    this.#record = record;
    this.#assessment = { remediationId, entries: [], progress: null, decision: null, close: null };
  }

  /** The record as the stages see it: writes about the remediation go into the draft. */
  over(): RecordStore {
    return {
      ...this.#record,
      progress: (_, phase, doing, until) => {
        this.#assessment.progress = { phase, doing, until };
        return Promise.resolve();
      },
      append: (_, key, kind, body) => {
        this.#assessment.entries.push({ key, kind, body });
        return Promise.resolve();
      },
      saveDecision: (_, verdict, plan, planHash, catalogueVersion) => {
        this.#assessment.decision = { verdict, plan, planHash, catalogueVersion };
        return Promise.resolve();
      },
      trip: async (remediationId, results) => {
        if (results.every((result) => (result.trips ?? []).length === 0)) return [];
        // The page about a breaker comes behind the verdict that tripped it.
        await this.save(null);
        return this.#record.trip(remediationId, results);
      },
    };
  }

  /** Closes it with the same transaction, when told to. Null: it is open, or nothing was left to save. */
  async save(close: CloseRequest | null): Promise<Closed | null> {
    const { remediationId, entries, progress, decision } = this.#assessment;
    if (entries.length === 0 && progress === null && decision === null && close === null) return null;
    const closed = await this.#record.saveAssessment({ ...this.#assessment, close });
    this.#assessment = { remediationId, entries: [], progress: null, decision: null, close: null };
    return closed;
  }
}
