/** The API without a socket. */
import { Hono } from "hono";
import type { MiddlewareHandler } from "hono";
import { requireAccess } from "./access.ts";
import { alertRoutes } from "./alerts.ts";
import { guard } from "./auth.ts";
import { autonomyRoutes } from "./autonomy.ts";
import { throughWay } from "../../record/way.ts";
import { VIA_HEADER, type AppDependencies, type AppEnv } from "./context.ts";
import { catalogueRoutes } from "./catalogue.ts";
import { controlRoutes } from "./controls.ts";
import { explainRoutes } from "./explain.ts";
import { healthRoutes } from "./health.ts";
import { identityRoutes } from "./identity.ts";
import { answerError, answerProblem } from "./problem.ts";
import { reportRoutes } from "./reports.ts";
import { remediationRoutes } from "./remediations.ts";
import { surroundingRoutes } from "./surroundings.ts";

export function createApp(deps: AppDependencies): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(requestId(deps));
  app.use(way);
  app.use(measured(deps));
  app.use(guard(deps.authenticate));
  app.onError((error, context) => answerError(error, context));
  app.route("/", healthRoutes(deps));
  app.route("/v1/alerts", alertRoutes(deps));
  app.route("/v1/remediations", remediationRoutes(deps));
  app.route("/v1/explain", explainRoutes(deps));
  app.route("/v1", controlRoutes(deps));
  app.route("/v1", catalogueRoutes(deps));
  app.route("/v1", surroundingRoutes(deps));
  app.route("/v1", autonomyRoutes(deps));
  app.route("/v1", reportRoutes(deps));
  app.route("/v1", identityRoutes(deps));
  requireAccess(app.routes);
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
  };
}

function measured(deps: AppDependencies): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const started = performance.now();
    await next();
    const { method } = context.req;
    const route = routeOf(context.req.path);
    deps.metrics.requests.inc({ method, route, status: context.res.status });
    deps.metrics.requestSeconds.observe({ method, route }, (performance.now() - started) / 1000);
  };
}

const CONTROL_PATHS = [
  "/v1/explain",
  "/v1/report",
  ...["/v1/pauses", "/v1/pauses/resume", "/v1/queue"],
  ...["/v1/catalogue", "/v1/breakers", "/v1/breakers/reset", "/v1/left-out", "/v1/left-out/back"],
  ...["/v1/windows", "/v1/windows/close", "/v1/holds", "/v1/holds/release"],
  ...["/v1/modes", "/v1/modes/evidence", "/v1/modes/gate", "/v1/modes/promote", "/v1/modes/attestations"],
  ...["/v1/approvals/standing", "/v1/approvals/standing/withdraw"],
  ...["/v1/whoami", "/v1/tokens", "/v1/tokens/revoke"],
];

/** The route without ids, so that labels stay few whatever is asked. */
function routeOf(path: string): string {
  if (["/healthz", "/readyz", "/metrics", "/v1/remediations", ...CONTROL_PATHS].includes(path)) return path;
  if (/^\/v1\/alerts\/[a-z]+$/.test(path)) return path.length <= 40 ? path : "other";
  const decision = /^\/v1\/remediations\/[^/]+\/(approve|reject|withdraw|cancel|review)$/.exec(path)?.[1];
  if (decision !== undefined) return `/v1/remediations/:id/${decision}`;
  if (path.startsWith("/v1/postmortems/")) return "/v1/postmortems/:id";
  return path.startsWith("/v1/remediations/") ? "/v1/remediations/:id" : "other";
}

function allowed(app: Hono<AppEnv>, method: string, path: string): string[] {
  const methods = ["GET", "POST", "PUT"].filter((other) => other !== method);
  return methods.filter((other) => app.router.match(other, path)[0].some(([[, route]]) => route.method === other));
}
