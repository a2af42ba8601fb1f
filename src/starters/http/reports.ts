/** `/v1/report`: what happened in a day, a week or a month; and postmortem drafts. */
import { z } from "zod";
import { PERIOD_KINDS } from "../../measures/period.ts";
import type { Report } from "../../measures/report.ts";
import { postmortem, report } from "../reports.ts";
import { name } from "./fields.ts";
import { operation } from "./operation.ts";

const REPORT = z.strictObject(
  {
    kind: z.enum(PERIOD_KINDS, { error: `one of ${PERIOD_KINDS.join(", ")}` }).default("month"),
    name: name.optional().describe("Default: the last one that is over"),
    group: name.optional(),
  },
  { error: "only kind, name and group" },
);

export const REPORT_OPERATIONS = [
  operation({
    method: "get",
    path: "/v1/report",
    role: "viewer",
    everywhere: true,
    tag: "automation",
    summary: "What happened in a day, a week or a month",
    query: REPORT,
    problems: [409],
    answer: z.custom<Report>().meta({ type: "object" }),
    handle: (deps, { query }) => {
      const { kind, name: which = null, group = null } = query;
      return report(deps, { kind, name: which, group });
    },
  }),
  operation({
    method: "get",
    path: "/v1/postmortems/{id}",
    // A target reads `host/web-1`, and not every client encodes the slash.
    aliases: ["/v1/postmortems/{kind}/{id}"],
    role: "viewer",
    tag: "remediations",
    summary: "A draft of a postmortem, as Markdown",
    answer: z.object({
      remediationId: z.string(),
      owner: z.string(),
      markdown: z.string(),
      keptAt: z.iso.datetime().nullable().describe("When it was made and kept; null: it was made for this answer"),
    }),
    problems: [404],
    handle: (deps, { params: { kind, id = "" } }) => postmortem(deps, kind === undefined ? id : `${kind}/${id}`),
  }),
];
