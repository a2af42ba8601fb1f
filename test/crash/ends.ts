/**
 * Whether each victim ended as its row says. One other end is right, and only where it is proven: a death hit each apply
 * of one effect before it was sent, so after the last that it may have a person is told that it did not happen (design §3
 * law 6). Temporal's history has to show all these deaths, and few victims may be so unlucky.
 */
import { workflowId } from "../../src/contracts/ids.ts";
import type { TellStory } from "../../src/starters/http/remediations.ts";
import { cutsOf, cutsOfEffect } from "./timeline.ts";
import type { Storm, Victim } from "./storm.ts";
import { ENDS } from "./table.ts";

/** More than so many in a hundred is not bad luck any more. */
const UNLUCKY_PERCENT = 10;
const DID_NOT_HAPPEN = /did not happen after (\d+) applies/;

export interface Ends {
  /** What is wrong, in sentences. */
  odd: string[];
  /** Who was told that an effect did not happen, with what cut it off. */
  unlucky: string[];
}

export async function ends(storm: Storm): Promise<Ends> {
  const all: Ends = { odd: [], unlucky: [] };
  for (const victim of storm.victims) {
    const story = await storm.live.api.story(victim.host);
    if (isExpected(victim, story)) continue;
    const why = await whyUnlucky(storm, victim, story);
    if (why !== null) all.unlucky.push(`${victim.host} (${victim.file}): ${why}`);
    else all.odd.push(`${victim.host} (${victim.file}): ${told(story)}, expected ${ENDS[victim.row.scenario].outcome}`);
  }
  const most = Math.ceil((storm.victims.length * UNLUCKY_PERCENT) / 100);
  if (all.unlucky.length > most) {
    all.odd.push(`${all.unlucky.length} lost an effect twice, at most ${most} may: ${all.unlucky.join("; ")}`);
  }
  return all;
}

function isExpected({ row }: Victim, { remediation }: TellStory): boolean {
  const { outcome, needsHuman } = ENDS[row.scenario];
  return remediation.outcome === outcome && remediation.needsHuman === needsHuman;
}

/** Null: nothing that the history shows explains it. */
async function whyUnlucky({ live }: Storm, { host }: Victim, story: TellStory): Promise<string | null> {
  const { outcome, needsHuman, detail } = story.remediation;
  const applies = Number(DID_NOT_HAPPEN.exec(detail)?.[1] ?? 0);
  if (outcome !== "escalated" || !needsHuman || applies === 0) return null;
  const cuts = await cutsOf(live, workflowId({ kind: "host", id: host }));
  const effect = story.effects.find((one) => one.state === "notHappened" && cutsOfEffect(cuts, one) >= applies);
  return effect === undefined
    ? null
    : `${effect.action} ${effect.direction} lost its worker ${applies} times before it was sent`;
}

const told = ({ remediation: { outcome, detail } }: TellStory): string => `${outcome ?? "open"}: ${detail}`;
