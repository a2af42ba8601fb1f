/** `/v1/windows` and `/v1/holds`: when, and on what, automation leaves work to others. */
import { z } from "zod";
import { WINDOW_KINDS } from "../../contracts/surroundings.ts";
import { listHolds, putHold, releaseHold } from "../holds.ts";
import { closeWindows, listWindows, openWindow } from "../windows.ts";
import * as answers from "./answers-automation.ts";
import { by, forMs, name, reason, time } from "./fields.ts";
import { operation } from "./operation.ts";

const OPEN = z
  .strictObject(
    {
      kind: z.enum(WINDOW_KINDS, { error: '"maintenance" or "deploy"' }).default("maintenance"),
      scope: name,
      reason,
      by,
      from: time.nullish(),
      until: time.nullish(),
      forMs: forMs.nullish(),
    },
    { error: "an object with scope, reason, by, and until or forMs; kind and from where they are needed" },
  )
  .refine(({ until, forMs: ms }) => ((until ?? null) === null ? typeof ms === "number" : typeof ms !== "number"), {
    error: "either until or forMs",
    path: ["until"],
  });
const CLOSE = z.strictObject({ what: name, by }, { error: "an object with what (a scope or an id) and by" });
const HOLD = z.strictObject(
  { target: name, holder: name, reason, forMs: forMs.nullish() },
  { error: "an object with target, holder and reason, and forMs where it ends by itself" },
);
const RELEASE = z.strictObject({ target: name, holder: name, by }, { error: "an object with target, holder and by" });

const row = { tag: "surroundings" } as const;

export const SURROUNDING_OPERATIONS = [
  operation({
    ...row,
    method: "get",
    path: "/v1/windows",
    role: "viewer",
    summary: "Windows that are open or still to come",
    answer: answers.WINDOWS,
    handle: async (deps) => ({ windows: await listWindows(deps) }),
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/windows",
    role: "operator",
    summary: "Open a window, now or later",
    description: "Say either `until` or `forMs`.",
    body: OPEN,
    answer: answers.OPENED_WINDOW,
    handle: async (deps, { body, log }) => {
      const { from = null, until = null, forMs: ms = null, ...ask } = body;
      const window = await openWindow(deps, { ...ask, from, until, forMs: ms });
      log.warn({ ...window }, "window opened");
      return window;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/windows/close",
    role: "operator",
    summary: "Close windows that were opened by hand",
    body: CLOSE,
    answer: answers.WINDOWS_CLOSED,
    problems: [404],
    handle: async (deps, { body: { what, by: person }, log }) => {
      const answer = await closeWindows(deps, what, person);
      log.warn({ what, by: person, hinted: answer.hinted }, "window closed");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "get",
    path: "/v1/holds",
    role: "viewer",
    summary: "What other systems hold, and what selfheal holds",
    answer: answers.HOLDS,
    handle: (deps) => listHolds(deps),
  }),
  operation({
    ...row,
    method: "put",
    path: "/v1/holds",
    role: "operator",
    summary: "Another system's word that a target is its for now; again to renew it",
    body: HOLD,
    answer: answers.HELD,
    handle: async (deps, { body, log }) => {
      const { forMs: ms = null, ...wish } = body;
      const answer = await putHold(deps, { ...wish, forMs: ms });
      log.warn({ ...answer.hold }, "target held by another system");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/holds/release",
    role: "operator",
    summary: "Release a hold",
    body: RELEASE,
    answer: answers.HOLD_RELEASED,
    problems: [404],
    handle: async (deps, { body, log }) => {
      const answer = await releaseHold(deps, body);
      log.warn({ ...body, hinted: answer.hinted }, "hold released");
      return answer;
    },
  }),
];
