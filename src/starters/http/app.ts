/** The API without a socket. */
import { Hono } from "hono";
import type { MiddlewareHandler } from "hono";
import { throughWay } from "../../record/actor.ts";
import { VIA_HEADER, type AppDependencies, type AppEnv } from "./context.ts";
import { mount } from "./mount.ts";
import { OPERATIONS } from "./operations.ts";
import { answerError, answerProblem } from "./problem.ts";

export function createApp(deps: AppDependencies): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(requestId(deps));
  app.use(way);
  app.use(measured(deps));
  app.onError((error, context) => answerError(error, context));
  mount(app, deps, OPERATIONS);
  app.notFound((context) => {
    const { method, path } = context.req;
    const allow = allowed(app, method, path);
    if (allow.length === 0) {
      return answerProblem(context, {
        status: 404,
        slug: "no-such-path",
        title: "Not found",
        detail: `nothing is at ${path}`,
      });
    }
    const detail = `${path} takes ${allow.join(", ")}, not ${method}`;
    const headers = { allow: allow.join(", ") };
    return answerProblem(context, { status: 405, slug: "wrong-method", title: "Wrong method", detail, headers });
  });
  return app;
}

/** What the audit says of how a change came. The command line says that it is one; a claim, as its `by` is. */
const way: MiddlewareHandler<AppEnv> = (context, next) =>
  throughWay(context.req.header(VIA_HEADER) === "cli" ? "cli" : "api", next);

/** The caller's request id when it is a sane one, else ours; in every log line and answer. */
function requestId(deps: AppDependencies): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const given = context.req.header("x-request-id") ?? "";
    const id = /^[\w.:-]{1,128}$/.test(given) ? given : deps.newRequestId();
    context.set("requestId", id);
    context.set("log", deps.log.child({ requestId: id }));
    await next();
    context.res.headers.set("x-request-id", id);
    context.res.headers.set("x-content-type-options", "nosniff");
  };
}

function measured(deps: AppDependencies): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const started = performance.now();
    await next();
    const { method } = context.req;
    const route = context.get("route") ?? "other";
    deps.metrics.requests.inc({ method, route, status: context.res.status });
    deps.metrics.requestSeconds.observe({ method, route }, (performance.now() - started) / 1000);
  };
}

function allowed(app: Hono<AppEnv>, method: string, path: string): string[] {
  const methods = ["GET", "POST", "PUT"].filter((other) => other !== method);
  return methods.filter((other) => app.router.match(other, path)[0].some(([[, route]]) => route.method === other));
}
