/** Reads JSON bodies within limits. Everything that is wrong with them is a ProblemError. */
import { bodyLimit } from "hono/body-limit";
import type { Context, MiddlewareHandler } from "hono";
import { type z } from "zod";
import { clipValue, fieldPath, ProblemError } from "../problems.ts";
import { signed } from "./auth.ts";
import type { AppEnv } from "./context.ts";

/** `remedy`: what the sender can do about it. */
export function limitBody(maxBytes: number, remedy = ""): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      const detail = `the body is larger than ${maxBytes} bytes${remedy === "" ? "" : `; ${remedy}`}`;
      throw new ProblemError({ status: 413, slug: "body-too-large", title: "Body too large", detail });
    },
  });
}

/** Signed in the name of whoever asks, where the route's body names its author. */
export async function readJson(context: Context<AppEnv>): Promise<unknown> {
  const type = context.req.header("content-type") ?? "";
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
    const detail = `the Content-Type is ${type === "" ? "missing" : clipValue(type)}; right would be application/json`;
    throw new ProblemError({ status: 415, slug: "not-json", title: "Not JSON", detail });
  }
  const text = await context.req.text();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 200).toWellFormed() : "";
    throw new ProblemError({ status: 400, slug: "bad-json", title: "The body is not JSON", detail: why });
  }
  return signed(context, parsed);
}

/** Checks a small body or the query (`whole` names it) against a schema whose messages say what would be right. */
export function checked<S extends z.ZodType>(schema: S, value: unknown, whole = "(the body)"): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, 5).map((issue) => ({
    field: issue.path.length === 0 ? whole : fieldPath(issue.path),
    value: clipValue(issue.path.reduce<unknown>(inner, value)),
    wouldBeRight: issue.message,
  }));
  const first = faults[0];
  const detail = first === undefined ? "" : `${first.field} is ${first.value}; right would be ${first.wouldBeRight}`;
  throw new ProblemError({ status: 422, slug: "bad-field", title: "A field is wrong", detail, faults });
}

function inner(value: unknown, part: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined;
}
