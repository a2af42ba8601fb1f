/** Postmortem drafts of what went wrong: made and kept, then sent to the owner. */
import { PLOT_COLUMNS } from "../../measures/plot.ts";
import { readPostmortem, type PlotWish } from "../../measures/read-postmortem.ts";
import { nameOf } from "../../measures/report.ts";
import type { LessonDependencies } from "./lessons.ts";
import { MOST_SENDS, sendAll } from "./send.ts";

const MOST_MADE = 20;

export async function makePostmortems({ record, ports }: LessonDependencies): Promise<void> {
  for (const remediationId of await record.postmortemsToMake(MOST_MADE)) {
    const plot = ({ query, from, to }: PlotWish) => ports.metrics.range(query, { from, to, points: PLOT_COLUMNS });
    const made = await readPostmortem(record, remediationId, plot);
    if (made === null) throw new Error(`the record lists ${remediationId} and has no story of it`);
    const { owner, markdown } = made;
    await record.savePostmortem({ remediationId, owner, markdown });
  }
}

export async function sendPostmortems({ record, ports }: LessonDependencies): Promise<void> {
  const due = await record.postmortemsToSend(MOST_SENDS);
  await sendAll(
    ports.notify,
    due,
    async (remediationId) => {
      const [kept, row] = await Promise.all([record.postmortem(remediationId), record.find(remediationId)]);
      if (kept === null || row === null) throw new Error(`the record lost the postmortem of ${remediationId}`);
      return {
        key: `postmortem/${remediationId}`,
        route: "message",
        remediationId,
        title: `${nameOf(row.target)}: a postmortem draft for ${kept.owner}`,
        text: `${row.outcome ?? ""}: ${row.detail}. Read and complete it: selfheal postmortem ${remediationId}`,
      };
    },
    (remediationId, error) => record.postmortemSent(remediationId, error),
  );
}
