/**
 * What is learnt from closed remediations: postmortem drafts, problem tickets, reports of periods that are over. Started by
 * the Temporal Schedule `selfheal-lessons`; each part is kept in the record before anybody is told, so that a round that
 * dies is made good by the next.
 */
import { messageOf } from "./failure.ts";
import type { ActivityDependencies } from "../dependencies.ts";
import { makePostmortems, sendPostmortems } from "./postmortems.ts";
import { raiseProblems } from "./problems.ts";
import { makeReports, sendReports } from "./reports.ts";

export type LessonDependencies = Pick<ActivityDependencies, "record" | "catalogues" | "ports" | "log">;

export interface LessonActivities {
  "lessons.run"(): Promise<{ failures: string[] }>;
}

export function lessonActivities(deps: LessonDependencies): LessonActivities {
  return { "lessons.run": () => runLessons(deps) };
}

const PARTS: Record<string, (deps: LessonDependencies) => Promise<void>> = {
  // First: a postmortem names the problem that it belongs to.
  problems: raiseProblems,
  "making postmortems": makePostmortems,
  "sending postmortems": sendPostmortems,
  "making reports": makeReports,
  "sending reports": sendReports,
};

/** A part that fails keeps no other from its work. */
export async function runLessons(deps: LessonDependencies): Promise<{ failures: string[] }> {
  const failures: string[] = [];
  for (const [name, part] of Object.entries(PARTS)) {
    try {
      await part(deps);
    } catch (error) {
      failures.push(`${name}: ${messageOf(error)}`);
      deps.log.warn({ part: name, err: error }, "a part of the lessons failed; the next round tries again");
    }
  }
  return { failures };
}
