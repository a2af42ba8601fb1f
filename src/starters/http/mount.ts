/** Puts the route table into the app: who may, how much at once, how large; checked on the way in, JSON on the way out. */
import type { Context, Hono, MiddlewareHandler } from "hono";
import { z } from "zod";
import type { Role } from "../../contracts/roles.ts";
import { allow, type Access } from "./auth.ts";
import { checked, limitBody, readJson } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";
import { once } from "./idempotency.ts";
import type { AnyOperation } from "./operation.ts";
import { pageGuard } from "./page-guard.ts";
import { bySender, signedOnce } from "./sender.ts";
import { Bulkhead, refuseWhenLate } from "./shed.ts";

const BODY_BYTES = 16 * 1024;
const FEWER = "send fewer alerts at once (Alertmanager: max_alerts, or finer groups)";

export function mount(app: Hono<AppEnv>, deps: AppDependencies, operations: readonly AnyOperation[]): void {
  const { limits, metrics } = deps;
  // None of them waits for another.
  const bulkheads: Record<Kind, Bulkhead> = {
    bodies: new Bulkhead("bodies of alerts are being taken in", limits.bodiesInFlight, (count) =>
      metrics.inFlight.set(count),
    ),
    lists: new Bulkhead("lists are being answered", limits.requestsInFlight),
    decisions: new Bulkhead("decisions are being taken", limits.requestsInFlight),
    chat: new Bulkhead("requests of chat are being answered", limits.requestsInFlight),
  };
  for (const operation of operations) {
    const kind = kindOf(operation);
    const shed: MiddlewareHandler<AppEnv> = (context, next) => {
      if (kind === "bodies" || kind === "lists") refuseWhenLate(deps.loopDelayMs(), limits.loopDelayMs);
      return bulkheads[kind].through((goesOn) => {
        context.set("goesOn", goesOn);
        return next();
      });
    };
    const handlers: MiddlewareHandler<AppEnv>[] = [
      named(operation),
      ...admission(deps, operation, shed),
      limitBody(operation.bodyBytes?.(deps) ?? BODY_BYTES, operation.tag === "alerts" ? FEWER : ""),
      ...(operation.source === undefined ? [] : [signedOnce(deps, operation)]),
    ];
    const paths = [operation.path, ...(operation.aliases ?? [])].map(honoPath);
    app.on(operation.method.toUpperCase(), paths, ...handlers, (context) => answer(deps, operation, context));
  }
}

type Kind = "bodies" | "lists" | "decisions" | "chat";

/** What people say, and the single remediation that they look at before, is answered for as long as anything is. */
function kindOf({ role, method, path }: AnyOperation): Kind {
  if (role === "source") return "bodies";
  // Of its own: who floods it with what is not signed keeps nobody from deciding here.
  if (role === "signed") return "chat";
  return method === "get" && !path.includes("{") ? "lists" : "decisions";
}

/** Who a person is may take a look into the record, and so counts as work; a sender's proof is only compared. */
function admission(deps: AppDependencies, operation: AnyOperation, shed: MiddlewareHandler<AppEnv>) {
  const { role } = operation;
  // What a probe asks while everything else is too much.
  if (role === "public") return [];
  if (role === "signed") return [shed];
  const who = guard(deps, { ...operation, role });
  return role === "source" ? [who, shed] : [shed, who];
}

/** `/v1/remediations/:id` */
function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

/** Its own path, without ids: the label of its measures. */
function named({ path }: AnyOperation): MiddlewareHandler<AppEnv> {
  return (context, next) => {
    context.set("route", honoPath(path));
    return next();
  };
}

/** Who may: the one place that asks. */
function guard(deps: AppDependencies, operation: AnyOperation & { role: Role | "source" }): MiddlewareHandler<AppEnv> {
  const { method, path, role, source, tag } = operation;
  if (source !== undefined) return bySender(deps, source.name);
  if (role === "source") throw new Error(`${path}: nobody is named who may send this`);
  const route = `${method.toUpperCase()} ${honoPath(path)}`;
  const access = accessOf({ ...operation, role });
  return tag === "pages" ? pageGuard(deps.authenticate, route, access) : allow(deps.authenticate, route, access);
}

/** Where the body names its author, that is the caller, whatever the body says. */
export function accessOf({ role, body, everywhere }: AnyOperation & Pick<Access, "role">): Access {
  const by = body instanceof z.ZodObject && "by" in body.shape;
  return { role, by, everywhere: everywhere === true };
}

async function answer(deps: AppDependencies, operation: AnyOperation, context: Context<AppEnv>): Promise<Response> {
  const { method, keeps = method === "get" ? "no" : "yes", role } = operation;
  const work = () => run(deps, operation, context);
  return keeps === "no" || role === "source" ? work() : once(deps, context, keeps, work);
}

async function run(deps: AppDependencies, operation: AnyOperation, context: Context<AppEnv>): Promise<Response> {
  const { query, body, bodyTypes, status = 200 } = operation;
  const answered: unknown = await operation.handle(deps, {
    context,
    log: context.get("log"),
    params: context.req.param(),
    query: query === undefined ? undefined : checked(query, context.req.query(), "(the query)"),
    body: body === undefined || bodyTypes !== undefined ? undefined : checked(body, await readJson(context)),
  });
  return answered instanceof Response ? answered : context.json(answered as object, status);
}
