/** Follows the demo's remediations through the API, as any user could, and tells what is new. */
import type { RemediationRow } from "../../record/api.ts";
import type { RemediationApi } from "../remediation-api.ts";
import type { TellStory } from "../../starters/http/remediations.ts";
import { tellAudit } from "./narrator.ts";

export interface FollowOptions {
  api: RemediationApi;
  onLine: (target: string, line: string) => void;
  /** Once for each plan that waits for a person. */
  onApproval: (row: RemediationRow) => void;
}

const UNKNOWN_API_PATIENCE = 60;

export class Follower {
  private readonly options: FollowOptions;
  private readonly told = new Map<string, number>();
  private readonly asked = new Set<string>();
  private readonly done = new Map<string, TellStory>();
  private failures = 0;

  constructor(options: FollowOptions) {
    this.options = options;
  }

  /** Closed remediations by target id; the last one of each. */
  stories(): ReadonlyMap<string, TellStory> {
    return this.done;
  }

  /** One look at everything. The API may be away for a moment (it can be killed too). */
  async look(): Promise<void> {
    try {
      const rows = await this.options.api.list({ limit: "1000" });
      for (const row of rows.toReversed()) await this.follow(row);
      this.failures = 0;
    } catch (error) {
      if (++this.failures > UNKNOWN_API_PATIENCE) throw error;
    }
  }

  private async follow(row: RemediationRow): Promise<void> {
    const { remediationId, target } = row;
    if (this.done.get(target.id)?.remediation.remediationId === remediationId) return;
    const story = await this.options.api.story(remediationId);
    const from = this.told.get(remediationId) ?? 0;
    for (const entry of story.audit.filter(({ seq }) => seq > from)) {
      const line = tellAudit(entry);
      if (line !== null) this.options.onLine(target.id, line);
      this.told.set(remediationId, entry.seq);
    }
    const approval = `${remediationId}/${story.remediation.planHash ?? ""}`;
    if (story.remediation.phase === "approve" && !this.asked.has(approval)) {
      this.asked.add(approval);
      this.options.onApproval(story.remediation);
    }
    if (story.remediation.closedAt !== null) this.done.set(target.id, story);
  }
}
