/** Who holds a remediation and what goes on now, from the record's own story. */
import type { Command } from "../../contracts/remediation.ts";
import type { TellStory } from "../http/remediations.ts";

export interface Held {
  by: string;
  since: string;
  reason: string;
  at: string;
  /** What it did there, or what became of it. */
  about: string;
  commands: Command[];
}

/** Null: nobody holds it, or it moves just now. Whatever it did after it stood still says that it moved on. */
export function heldOf(story: Pick<TellStory, "remediation" | "audit">): Held | null {
  if (story.remediation.closedAt !== null) return null;
  const last = story.audit.findLast(
    ({ kind, body }) => kind === "held" || kind === "progress" || (kind === "command" && body["status"] === "counted"),
  );
  if (last?.kind !== "held") return null;
  // As the activity `remediation.held` writes it.
  return last.body as unknown as Held;
}
