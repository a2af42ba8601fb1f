/** Pages of lists. A cursor is the place of a page's last row: what comes and goes meanwhile shifts nothing. */
import type { Context } from "hono";
import type { z } from "zod";
import { clipValue, wrongField } from "../problems.ts";
import type { AppEnv } from "./context.ts";

/** Opaque to clients. */
export function toCursor(place: readonly string[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** @throws ProblemError (422) when it is none of ours. */
export function fromCursor<Place extends z.ZodType>(schema: Place, cursor: string): z.output<Place> {
  const parsed = schema.safeParse(jsonOf(Buffer.from(cursor, "base64url").toString()));
  if (parsed.success) return parsed.data;
  throw wrongField("cursor", clipValue(cursor), "the cursor of a `next` link, as it was answered");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/**
 * `rows` has one more than `limit` when there is a next page. Answers the page's rows and the path of the next page,
 * which is in the Link header too.
 */
export function pageOf<Row>(
  context: Context<AppEnv>,
  rows: readonly Row[],
  limit: number,
  placeOf: (row: Row) => readonly string[],
): { rows: Row[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  if (rows.length <= limit || last === undefined) return { rows: page, next: null };
  const query = new URLSearchParams(context.req.query());
  query.set("cursor", toCursor(placeOf(last)));
  const next = `${context.req.path}?${query.toString()}`;
  context.header("link", `<${next}>; rel="next"`);
  return { rows: page, next };
}
