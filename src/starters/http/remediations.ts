/** `/v1/remediations`: list, and one with all that the record has of it. */
import { z } from "zod";
import { OUTCOMES, PHASES } from "../../contracts/remediation.ts";
import { traceIdOf } from "../../ports/trace.ts";
import type { ListFilter, RemediationRow, RemediationStory } from "../../record/api.ts";
import { findRemediation } from "../decisions.ts";
import { sincePlanned, type SincePlanned } from "../plan-current.ts";
import { throughRecord } from "../problems.ts";
import { storyOf } from "../story/story.ts";
import * as answers from "./answers.ts";
import type { AppDependencies } from "./context.ts";
import { cursor, limitOf, name, time } from "./fields.ts";
import { operation, type AnyOperation } from "./operation.ts";
import { fromCursor, pageOf } from "./page.ts";

export interface Links {
  /** The workflow in Temporal's Web UI; null when its address is not configured. */
  webUi: string | null;
  /** 32 hexadecimal digits; null: nothing is traced. */
  traceId: string | null;
  /** The trace in the tracing system; null when its address is not configured. */
  trace: string | null;
}
/** What links are made with. */
type Linking = Pick<AppDependencies, "webUiUrl" | "traceUrl" | "isTraced">;
export type ListedRemediation = RemediationRow & { links: Links };
export type TellStory = RemediationStory & { links: Links; sincePlanned: SincePlanned | null };

const MAX_PAGE = 1_000;
const PAGE = 50;

/** What a list, and the feed of changes, are narrowed to. */
export const FILTER = {
  open: z.enum(["true", "false"], { error: "true or false" }).optional(),
  target: name.optional().describe("kind/id or id"),
  runbook: name.optional(),
  group: name.optional(),
  phase: z.enum(PHASES, { error: `one of ${PHASES.join(", ")}` }).optional(),
  outcome: z.enum(OUTCOMES, { error: `one of ${OUTCOMES.join(", ")}` }).optional(),
};
const QUERY = z.strictObject(
  { ...FILTER, since: time.optional().describe("Opened then or later"), limit: limitOf(MAX_PAGE), cursor },
  { error: "only open, target, runbook, group, phase, outcome, since, limit and cursor" },
);
const PLACE = z.tuple([z.iso.datetime(), z.string()]);

const row = { tag: "remediations" } as const;
const ONE = "/v1/remediations/{id}";

export const REMEDIATION_OPERATIONS: AnyOperation[] = [
  operation({
    ...row,
    method: "get",
    path: "/v1/remediations",
    role: "viewer",
    summary: "Remediations, newest first",
    query: QUERY,
    answer: z.object({ remediations: z.array(answers.LISTED), next: answers.next }),
    handle: async (deps, { query, context }) => {
      const { limit = PAGE, cursor: at, ...rest } = query;
      const filter = { ...filterOf(rest), ...(at === undefined ? {} : { after: placeOf(at) }), limit: limit + 1 };
      const found = await throughRecord("list the remediations", () => deps.record.list(filter));
      const { rows, next } = pageOf(context, found, limit, (last) => [last.openedAt, last.remediationId]);
      return { remediations: rows.map((one) => ({ ...one, links: linksOf(deps, one) })), next };
    },
  }),
  operation({
    ...row,
    method: "get",
    path: `${ONE}/verdicts`,
    role: "viewer",
    summary: "What was decided, each time, with every guardrail's result",
    answer: z.object({ verdicts: z.array(answers.VERDICT_ROW) }),
    problems: [404],
    handle: async ({ record }, { params }) => {
      const { remediationId } = await findRemediation(record, params["id"] ?? "");
      return { verdicts: await throughRecord("read the verdicts", () => record.verdicts(remediationId)) };
    },
  }),
  operation({
    ...row,
    method: "get",
    path: `${ONE}/story`,
    role: "viewer",
    summary: "The whole story of one remediation, told for people",
    answer: answers.STORY,
    problems: [404],
    handle: async (deps, { params }) => storyOf(await recorded(deps, params)),
  }),
  operation({
    ...row,
    method: "get",
    path: ONE,
    // A target reads `host/web-1`, and not every client encodes the slash.
    aliases: ["/v1/remediations/{kind}/{id}"],
    role: "viewer",
    summary: "One remediation, with all that the record has of it",
    description: "By its id, an unambiguous beginning of it, or its target (`kind/id` or `id`): its newest one.",
    answer: answers.RECORDED,
    problems: [404],
    handle: (deps, { params }) => recorded(deps, params),
  }),
];

type Filter = z.output<z.ZodObject<typeof FILTER>> & { since?: string | undefined };

export function filterOf({ open, ...rest }: Filter): ListFilter {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...(open === undefined ? {} : { open: open === "true" }) };
}

function placeOf(at: string): NonNullable<ListFilter["after"]> {
  const [openedAt, remediationId] = fromCursor(PLACE, at);
  return { openedAt, remediationId };
}

/** All that the record has of one remediation. */
export async function recorded(
  deps: Linking & Pick<AppDependencies, "record" | "catalogue">,
  { kind, id = "" }: Readonly<Record<string, string>>,
): Promise<TellStory> {
  const found = await findRemediation(deps.record, kind === undefined ? id : `${kind}/${id}`);
  const story = await throughRecord("read the story", () => deps.record.story(found.remediationId));
  if (story === null) throw new Error(`the record lists ${found.remediationId} and has no story of it`);
  return { ...story, links: linksOf(deps, found), sincePlanned: sincePlanned(deps.catalogue(), story) };
}

export function linksOf({ webUiUrl, traceUrl, isTraced }: Linking, row: RemediationRow): Links {
  const traceId = isTraced ? traceIdOf(row.remediationId) : null;
  const path = [row.workflowId, row.runId].filter((part) => part !== "").map(encodeURIComponent);
  return {
    webUi: webUiUrl === null ? null : `${webUiUrl.replace(/\/$/, "")}/workflows/${path.join("/")}`,
    traceId,
    trace: traceId === null || traceUrl === null ? null : traceUrl.replaceAll("{traceId}", traceId),
  };
}
