/** The end of the demo: a timeline for each host, how it ended, and whether that was right. */
import type { TellStory } from "../../starters/http/remediations.ts";
import { paint } from "../output.ts";
import type { Part } from "./cast.ts";
import { tellAudit } from "./narrator.ts";

export interface Ending {
  host: string;
  expected: Part["expected"];
  outcome: string;
  asExpected: boolean;
  remediationId: string | null;
  webUi: string | null;
}

/** `nothing` stands for a host that has no remediation and must have none. */
export function endingsOf(parts: readonly Part[], stories: ReadonlyMap<string, TellStory>): Ending[] {
  return parts.map(({ host, expected }) => {
    const story = stories.get(host);
    const outcome = story?.remediation.outcome ?? "nothing";
    return {
      host,
      expected,
      outcome,
      asExpected: outcome === expected,
      remediationId: story?.remediation.remediationId ?? null,
      webUi: story?.links.webUi ?? null,
    };
  });
}

export function timelineText(story: TellStory, timeScale: number): string {
  const opened = Date.parse(story.remediation.openedAt);
  const lines = story.audit.flatMap((entry) => {
    const line = tellAudit(entry);
    if (line === null) return [];
    return [`  ${clock((Date.parse(entry.at) - opened) * timeScale).padStart(7)}  ${line}`];
  });
  const { target, remediationId } = story.remediation;
  return [paint("bold", `${target.id}  ${remediationId}`), ...lines].join("\n");
}

export function endingLine(ending: Ending): string {
  const mark = ending.asExpected ? paint("green", "as expected") : paint("red", `EXPECTED ${ending.expected}`);
  const link = ending.webUi === null ? "" : `\n${" ".repeat(12)}${paint("cyan", ending.webUi)}`;
  return `${ending.host.padEnd(12)}${ending.outcome.padEnd(11)} ${mark}  ${ending.remediationId ?? ""}${link}`;
}

/** Hours and minutes of the datacenter's time. */
export function clock(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, "0")}m`;
}
