/** How messages read in Slack. */
import { slackText } from "../../contracts/text.ts";
import type { Choice, Opening, Standing } from "../../ports/ports.ts";

const PREFIX = { page: ":rotating_light: ", ticket: ":ticket: ", message: "" } as const;
const STATE = {
  open: ":hourglass_flowing_sand:",
  acknowledged: ":bust_in_silhouette:",
  resolved: ":white_check_mark:",
  left: ":warning:",
} as const;
const LABEL = {
  approve: "Approve",
  reject: "Reject",
  good: "Good",
  falsePositive: "False positive",
  masking: "Masks a deeper fault",
} as const;

/** Slack's limit for the text of one section; escaped characters count as they are written. */
const LONGEST_SECTION = 3_000;
const LONGEST_TEXT = 2_500;

export function textOf({ key, route, title, text }: Opening): string {
  return `${PREFIX[route]}*${clipped(title, 250)}*\n${clipped(text, LONGEST_TEXT)}${endOf(key)}`;
}

/** By which a message is found again. */
export function endOf(key: string): string {
  return `\n_${clipped(key, 200)}_`;
}

/** The beginning of a thread: how it stands, then what opened it. `text` is what a notification shows. */
export function headOf(opening: Opening, standing: Standing): { text: string; blocks: object[] } {
  const state = `${STATE[standing.state]} *${clipped(standing.title, 250)}*\n${clipped(standing.text, 1_000)}`;
  return {
    text: textOf(opening),
    blocks: [section(state), section(textOf(opening)), ...actions(standing.choices)],
  };
}

function actions(choices: readonly Choice[]): object[] {
  if (choices.length === 0) return [];
  const elements = choices.map(({ verb, remediationId, planHash }) => ({
    type: "button",
    action_id: `selfheal.${verb}`,
    text: { type: "plain_text", text: LABEL[verb] },
    value: planHash === null ? remediationId : `${remediationId} ${planHash}`,
    ...(verb === "approve" ? { style: "primary" } : verb === "reject" ? { style: "danger" } : {}),
  }));
  return [{ type: "actions", elements }];
}

function section(text: string): object {
  return { type: "section", text: { type: "mrkdwn", text: text.slice(0, LONGEST_SECTION) } };
}

function clipped(text: string, most: number): string {
  const escaped = slackText(text);
  if (escaped.length <= most) return escaped;
  // Not in the middle of an entity, which Slack would refuse.
  return `${escaped.slice(0, most).replace(/&[a-z]{0,3}$/, "")}…`;
}
