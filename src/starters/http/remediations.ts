/** `/v1/remediations`: list, one with its whole story, and what people decide. */
import { Hono } from "hono";
import type { Context } from "hono";
import { z } from "zod";
import { WORDS } from "../../contracts/ballot.ts";
import { REVIEW_VERDICTS } from "../../contracts/autonomy.ts";
import { COMMANDS, OUTCOMES, PHASES, spelled } from "../../contracts/remediation.ts";
import type { ListFilter, RemediationRow, RemediationStory } from "../../record/api.ts";
import { decide, findRemediation, tokenForSignal, type DecisionKind } from "../decisions.ts";
import { sincePlanned, type SincePlanned } from "../plan-current.ts";
import { throughRecord } from "../problems.ts";
import { review } from "../reviews.ts";
import { requestRemediation } from "../requests.ts";
import { recover, releaseLeases, type RecoveryAnswer } from "../recoveries.ts";
import { withRole } from "./auth.ts";
import { checked, limitBody, readJson } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

export interface Links {
  /** The workflow in Temporal's Web UI; null when its address is not configured. */
  webUi: string | null;
}
export type ListedRemediation = RemediationRow & { links: Links };
export type TellStory = RemediationStory & { links: Links; sincePlanned: SincePlanned | null };

const MAX_BODY_BYTES = 16 * 1024;
const MAX_LIST = 1_000;
const DECISIONS: readonly DecisionKind[] = [...WORDS, "cancel", ...COMMANDS];

const name = z.string({ error: "a text" }).min(1, "a text that is not empty").max(255, "at most 255 characters");
const QUERY = z.strictObject(
  {
    open: z.enum(["true", "false"], { error: "true or false" }).optional(),
    target: name.optional(),
    runbook: name.optional(),
    phase: z.enum(PHASES, { error: `one of ${PHASES.join(", ")}` }).optional(),
    outcome: z.enum(OUTCOMES, { error: `one of ${OUTCOMES.join(", ")}` }).optional(),
    limit: z.coerce
      .number({ error: "a number" })
      .int("a whole number")
      .min(1, "1 or more")
      .max(MAX_LIST, `at most ${MAX_LIST}`)
      .optional(),
  },
  { error: "only open, target, runbook, phase, outcome and limit" },
);

const DECISION = z.strictObject(
  {
    by: name,
    reason: z.string({ error: "a text" }).max(500, "at most 500 characters").nullish(),
    planHash: name.nullish(),
    at: name.nullish(),
    result: z.record(z.string(), z.json(), { error: "an object" }).nullish(),
    via: z.enum(["api", "cli"], { error: '"api" or "cli"' }).optional(),
  },
  { error: "an object with by, and planHash, reason, at, result, via where they are needed" },
);

const TOKEN_DECISIONS = [...WORDS, ...COMMANDS] as const;
const LONGEST_TOKEN_SECONDS = 7 * 24 * 3600;
const TOKEN = z.strictObject(
  {
    by: name,
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
const reason = z.string({ error: "a text" }).min(1, "a text that is not empty").max(500, "at most 500 characters");
const label = z.string({ error: "a text" }).max(1_000, "at most 1000 characters");
const REQUEST = z.strictObject(
  {
    labels: z.record(z.string().min(1), label, { error: "an object of texts" }).refine((all) => "alertname" in all, {
      error: "labels with an alertname",
    }),
    by: name,
    reason,
  },
  { error: "an object with labels, by and reason" },
);
const RECOVERY = z.strictObject({ by: name }, { error: "an object with by" });
const REVIEW = z.strictObject(
  {
    verdict: z.enum(REVIEW_VERDICTS, { error: `one of ${REVIEW_VERDICTS.join(", ")}` }),
    by: name,
    reason: reason.nullish(),
  },
  { error: "an object with verdict and by, and reason" },
);
const RELEASE = z.strictObject({ by: name, reason }, { error: "an object with by and reason" });

export function remediationRoutes(deps: AppDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/", async (context) => {
    const filter = filterOf(checked(QUERY, context.req.query()));
    const rows = await throughRecord("list the remediations", () => deps.record.list(filter));
    return context.json({ remediations: rows.map((row) => withLinks(deps, row)) });
  });
  routes.post("/", limitBody(MAX_BODY_BYTES), async (context) => {
    const wish = checked(REQUEST, await readJson(context));
    const answer = await requestRemediation(deps, wish);
    context.get("log").info({ ...answer, by: wish.by }, "a person asked for a remediation");
    return context.json(answer);
  });
  routes.get("/:id", (context) => tell(deps, context));
  for (const kind of DECISIONS) {
    routes.post(`/:id/${spelled(kind)}`, limitBody(MAX_BODY_BYTES), (context) => take(deps, context, kind));
  }
  routes.post("/:id/review", limitBody(MAX_BODY_BYTES), async (context) => {
    const wish = checked(REVIEW, await readJson(context));
    const answer = await review(deps, { ...wish, reason: wish.reason ?? "", id: context.req.param("id") });
    context.get("log").info({ ...answer, by: wish.by }, "remediation reviewed");
    return context.json(answer);
  });
  routes.post("/:id/token", limitBody(MAX_BODY_BYTES), (context) => issue(deps, context));
  routes.post("/:id/recover", limitBody(MAX_BODY_BYTES), async (context) => {
    const { by } = checked(RECOVERY, await readJson(context));
    const answer = await recover(deps, context.req.param("id"), by);
    return recovered(context, answer, { by });
  });
  routes.post("/:id/release-leases", limitBody(MAX_BODY_BYTES), async (context) => {
    const { by, reason: why } = checked(RELEASE, await readJson(context));
    const answer = await releaseLeases(deps, context.req.param("id"), by, why);
    return recovered(context, answer, { by, reason: why });
  });
  // A target reads `host/web-1`, and not every client encodes the slash.
  routes.get("/:kind/:id", (context) => tell(deps, context));
  return routes;
}

function filterOf(query: z.infer<typeof QUERY>): ListFilter {
  const { open, ...rest } = query;
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...(open === undefined ? {} : { open: open === "true" }) };
}

async function tell(deps: AppDependencies, context: Context<AppEnv>): Promise<Response> {
  const kind = context.req.param("kind");
  const id = context.req.param("id") ?? "";
  const row = await findRemediation(deps.record, kind === undefined ? id : `${kind}/${id}`);
  const story = await throughRecord("read the story", () => deps.record.story(row.remediationId));
  if (story === null) throw new Error(`the record lists ${row.remediationId} and has no story of it`);
  const answer: TellStory = {
    ...story,
    links: linksOf(deps, row),
    sincePlanned: sincePlanned(deps.catalogue(), story),
  };
  return context.json(answer);
}

async function take(deps: AppDependencies, context: Context<AppEnv>, kind: DecisionKind): Promise<Response> {
  const given = checked(DECISION, await readJson(context));
  const { by, reason = null, planHash = null, at = null, result = null, via = "api" } = given;
  const id = context.req.param("id") ?? "";
  const answer = await decide(deps, { kind, id, by, reason, planHash, at, result, via });
  const { remediationId, target } = answer;
  context.get("log").info({ remediationId, target, decision: kind, by, via, planHash }, "decision taken");
  return context.json(answer);
}

async function issue(deps: AppDependencies, context: Context<AppEnv>): Promise<Response> {
  const { by, decision, planHash = null, expiresInSeconds = null } = checked(TOKEN, await readJson(context));
  const id = context.req.param("id") ?? "";
  const ttlMs = expiresInSeconds === null ? null : expiresInSeconds * 1000;
  const role = (WORDS as readonly string[]).includes(decision) ? "approver" : "operator";
  const wish = { id, by, decision, planHash, ttlMs };
  const answer = await withRole(context, role, () => tokenForSignal(deps, wish));
  const { remediationId, expiresAt } = answer;
  context.get("log").info({ remediationId, decision, by, expiresAt }, "one-time token given out");
  context.header("cache-control", "no-store");
  return context.json(answer);
}

function recovered(context: Context<AppEnv>, answer: RecoveryAnswer, word: object): Response {
  context.get("log").info({ ...answer, ...word }, "a person settles what nobody works on");
  return context.json(answer);
}

function withLinks(deps: AppDependencies, row: RemediationRow): ListedRemediation {
  return { ...row, links: linksOf(deps, row) };
}

function linksOf(deps: AppDependencies, row: RemediationRow): Links {
  if (deps.webUiUrl === null) return { webUi: null };
  const path = [row.workflowId, row.runId].filter((part) => part !== "").map(encodeURIComponent);
  return { webUi: `${deps.webUiUrl.replace(/\/$/, "")}/workflows/${path.join("/")}` };
}
