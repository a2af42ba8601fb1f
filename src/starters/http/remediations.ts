/** `/v1/remediations`: list, one with all that the record has of it, and what people decide. */
import { z } from "zod";
import { REVIEW_VERDICTS } from "../../contracts/autonomy.ts";
import { WORDS } from "../../contracts/ballot.ts";
import { COMMANDS, OUTCOMES, PHASES, spelled } from "../../contracts/remediation.ts";
import type { ListFilter, RemediationRow, RemediationStory } from "../../record/api.ts";
import { decide, findRemediation, tokenFor, type DecisionKind } from "../decisions.ts";
import { throughRecord } from "../problems.ts";
import { recover, releaseLeases } from "../recoveries.ts";
import { requestRemediation } from "../requests.ts";
import { review } from "../reviews.ts";
import { storyOf } from "../story/story.ts";
import * as answers from "./answers.ts";
import type { AppDependencies } from "./context.ts";
import { by, cursor, limitOf, name, reason, time } from "./fields.ts";
import { operation, type AnyOperation, type Role } from "./operation.ts";
import { fromCursor, pageOf } from "./page.ts";

export interface Links {
  /** The workflow in Temporal's Web UI; null when its address is not configured. */
  webUi: string | null;
}
export type ListedRemediation = RemediationRow & { links: Links };
export type TellStory = RemediationStory & { links: Links };

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

const DECISION = z.strictObject(
  {
    by,
    reason: z.string({ error: "a text" }).max(500, "at most 500 characters").nullish(),
    planHash: name.nullish().describe("Of the plan that was looked at: needed to approve"),
    at: name.nullish().describe("Of a takeover's command: where it stood when the person looked"),
    result: z
      .record(z.string(), z.json(), { error: "an object" })
      .nullish()
      .describe("Of mark-done: what the step gave"),
    via: z.enum(["api", "cli"], { error: '"api" or "cli"' }).optional(),
  },
  { error: "an object with by, and planHash, reason, at, result, via where they are needed" },
);

const TOKEN_DECISIONS = [...WORDS, ...COMMANDS] as const;
const LONGEST_TOKEN_SECONDS = 7 * 24 * 3600;
const TOKEN = z.strictObject(
  {
    by,
    decision: z.enum(TOKEN_DECISIONS, { error: `one of ${TOKEN_DECISIONS.join(", ")}` }),
    planHash: name.nullish(),
    expiresInSeconds: z
      .number({ error: "a number" })
      .int("a whole number")
      .min(1, "1 or more")
      .max(LONGEST_TOKEN_SECONDS, `at most ${LONGEST_TOKEN_SECONDS}`)
      .nullish(),
  },
  { error: "an object with by and decision, and planHash, expiresInSeconds where they are needed" },
);
const label = z.string({ error: "a text" }).max(1_000, "at most 1000 characters");
const REQUEST = z.strictObject(
  {
    labels: z
      .record(z.string().min(1), label, { error: "an object of texts" })
      .refine((all) => "alertname" in all, { error: "labels with an alertname" })
      .meta({ required: ["alertname"] }),
    by,
    reason,
  },
  { error: "an object with labels, by and reason" },
);
const REVIEW = z.strictObject(
  {
    verdict: z.enum(REVIEW_VERDICTS, { error: `one of ${REVIEW_VERDICTS.join(", ")}` }),
    by,
    reason: reason.nullish(),
  },
  { error: "an object with verdict and by, and reason" },
);

const row = { tag: "remediations" } as const;
const ONE = "/v1/remediations/{id}";

const reads: AnyOperation[] = [
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

export const REMEDIATION_OPERATIONS: AnyOperation[] = [
  ...reads,
  operation({
    ...row,
    method: "post",
    path: "/v1/remediations",
    role: "operator",
    summary: "Ask for a remediation as if the alert had come; somebody else must approve it",
    body: REQUEST,
    answer: answers.ALERT_RESULT,
    problems: [403],
    handle: async (deps, { body, log }) => {
      const answer = await requestRemediation(deps, body);
      log.info({ ...answer, by: body.by }, "a person asked for a remediation");
      return answer;
    },
  }),
  ...WORDS.map((kind) => decision(kind, "approver")),
  ...(["cancel", ...COMMANDS] as const).map((kind) => decision(kind, "operator")),
  operation({
    ...row,
    method: "post",
    path: `${ONE}/review`,
    role: "operator",
    summary: "Say of a closed remediation whether it was right",
    body: REVIEW,
    answer: answers.REVIEWED,
    problems: [403, 404, 409],
    handle: async (deps, { params, body, log }) => {
      const answer = await review(deps, { ...body, reason: body.reason ?? "", id: params["id"] ?? "" });
      log.info({ ...answer, by: body.by }, "remediation reviewed");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: `${ONE}/token`,
    role: "approver",
    summary: "A one-time token to decide with by a signal, past the API",
    body: TOKEN,
    keeps: "secret",
    answer: answers.TOKEN_ISSUED,
    problems: [404, 409],
    handle: async (deps, { params, body, log, context }) => {
      const { by: person, decision: kind, planHash = null, expiresInSeconds = null } = body;
      const ttlMs = expiresInSeconds === null ? null : expiresInSeconds * 1000;
      const wish = { id: params["id"] ?? "", by: person, decision: kind, planHash, ttlMs };
      const answer = await tokenFor(deps, wish);
      const { remediationId, expiresAt } = answer;
      log.info({ remediationId, decision: kind, by: person, expiresAt }, "one-time token given out");
      context.header("cache-control", "no-store");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: `${ONE}/recover`,
    role: "operator",
    summary: "Have a remediation settled whose workflow is gone",
    body: z.strictObject({ by }, { error: "an object with by" }),
    answer: answers.SETTLED,
    problems: [404, 409],
    handle: async (deps, { params, body, log }) => {
      const answer = await recover(deps, params["id"] ?? "", body.by);
      log.info({ ...answer, ...body }, "a person settles what nobody works on");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: `${ONE}/release-leases`,
    role: "operator",
    summary: "Release the leases of a closed remediation, because somebody has looked",
    body: z.strictObject({ by, reason }, { error: "an object with by and reason" }),
    answer: answers.SETTLED,
    problems: [404, 409],
    handle: async (deps, { params, body, log }) => {
      const answer = await releaseLeases(deps, params["id"] ?? "", body.by, body.reason);
      log.info({ ...answer, ...body }, "a person settles what nobody works on");
      return answer;
    },
  }),
];

const DOES: Record<DecisionKind, string> = {
  approve: "Approve the plan that waits for it",
  reject: "Reject the plan: the remediation ends without acting",
  withdraw: "Take an approval back, while it waits for those of others",
  cancel: "End it: what can be undone is undone, the target goes to its safe state",
  take: "Take it over: it stands still at its next safe point",
  retry: "Of who holds it: try again what it stands at",
  skip: "Of who holds it: go on without the step it stands at",
  markDone: "Of who holds it: what it stands at is done",
  release: "Of who holds it: it goes on by itself",
  end: "Of who holds it: end it, the target goes to its safe state",
};

function decision(kind: DecisionKind, role: Role): AnyOperation {
  return operation({
    ...row,
    method: "post",
    path: `${ONE}/${spelled(kind)}`,
    role,
    summary: DOES[kind],
    body: DECISION,
    answer: answers.DECIDED,
    problems: [404, 409],
    handle: async (deps, { params, body, log }) => {
      const { by: person, reason: why = null, planHash = null, at = null, result = null, via = "api" } = body;
      const wish = { kind, id: params["id"] ?? "", by: person, reason: why, planHash, at, result, via };
      const answer = await decide(deps, wish);
      const { remediationId, target } = answer;
      log.info({ remediationId, target, decision: kind, by: person, via, planHash }, "decision taken");
      return answer;
    },
  });
}

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
  deps: Pick<AppDependencies, "record" | "webUiUrl">,
  { kind, id = "" }: Readonly<Record<string, string>>,
): Promise<TellStory> {
  const found = await findRemediation(deps.record, kind === undefined ? id : `${kind}/${id}`);
  const story = await throughRecord("read the story", () => deps.record.story(found.remediationId));
  if (story === null) throw new Error(`the record lists ${found.remediationId} and has no story of it`);
  return { ...story, links: linksOf(deps, found) };
}

export function linksOf({ webUiUrl }: Pick<AppDependencies, "webUiUrl">, { workflowId, runId }: RemediationRow): Links {
  if (webUiUrl === null) return { webUi: null };
  const path = [workflowId, runId].filter((part) => part !== "").map(encodeURIComponent);
  return { webUi: `${webUiUrl.replace(/\/$/, "")}/workflows/${path.join("/")}` };
}
