/**
 * One row of the API's route table: what a request must look like, who may send it, what is answered, and who does it.
 * Requests are checked against it (mount.ts), and `/openapi.json` is made of it (openapi.ts).
 */
import type { Context } from "hono";
import type { Logger } from "pino";
import type { z } from "zod";
import type { Role } from "../../contracts/roles.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

export const TAGS = {
  alerts: "Alerts, as monitoring sends them and as the record has them",
  remediations: "Remediations, and what people decide about them",
  events: "Live change, and what other systems have to tell",
  automation: "Pauses, breakers, the queue and leases: how people steer the automation as a whole",
  autonomy: "How much a runbook may do by itself",
  surroundings: "Windows and holds: when, and on what, automation leaves work to others",
  pages: "Pages for people on call",
  identity: "Who may ask, and by what",
  service: "The service itself",
} as const;

/** What a request brings to its handler. */
export interface Call<Query, Body> {
  context: Context<AppEnv>;
  log: Logger;
  /** Of the path. */
  params: Readonly<Record<string, string>>;
  query: Query;
  body: Body;
}

export interface Operation<
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  method: "get" | "post" | "put";
  /** With its parameters in braces: `/v1/remediations/{id}`. */
  path: string;
  /** Other paths of the same. */
  aliases?: readonly string[];
  /**
   * `source`: whoever proves to be `source`, by its token or signature. `signed`: whoever signs in a way of his own, which
   * the handler checks. `public`: anybody.
   */
  role: Role | "source" | "signed" | "public";
  /** It is about all groups at once: a caller whose role is confined to some is refused. */
  everywhere?: true;
  /** Where `role` is `source`: the sender's name in selfheal.yaml, and the answer to a signed body that was taken before. */
  source?: { name: string; again: z.input<Answer> };
  tag: keyof typeof TAGS;
  summary: string;
  description?: string;
  query?: Query;
  /** JSON, unless `bodyTypes` says otherwise. */
  body?: Body;
  /** Left out: `application/json`. The handler of one that is given reads and checks its body itself. */
  bodyTypes?: readonly string[];
  /** Default 16 KiB. */
  bodyBytes?: (deps: AppDependencies) => number;
  answer: Answer;
  /** Default 200. */
  status?: 200 | 202 | 303;
  /** Default `application/json`. */
  answerType?: string;
  /** A write by default: its answer is kept for an Idempotency-Key. `no`: it reads. `secret`: its answer is kept nowhere. */
  keeps?: "yes" | "no" | "secret";
  /** Statuses of problems that it answers beside those that every operation may. */
  problems?: readonly number[];
  /** Answers what `answer` describes, or a whole response. */
  handle(
    deps: AppDependencies,
    call: Call<z.output<Query>, z.output<Body>>,
  ): Promise<z.input<Answer> | Response> | z.input<Answer> | Response;
}

/** An operation whose types of query, body and answer nobody needs any more. */
export type AnyOperation = Operation;

/** Checks a row's types where it is written. */
export function operation<Query extends z.ZodType, Body extends z.ZodType, Answer extends z.ZodType>(
  row: Operation<Query, Body, Answer>,
): AnyOperation {
  return row;
}

export function paramsOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
}
