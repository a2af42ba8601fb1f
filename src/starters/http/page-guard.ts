/**
 * Who may see pages. Browsers cannot send a bearer token by themselves, but ask for a name and a password: the password
 * is what would be the bearer token, and says who it is; the name counts only where that says nothing of it.
 */
import type { MiddlewareHandler } from "hono";
import { throughWay } from "../../record/actor.ts";
import { ProblemError } from "../problems.ts";
import { allow, type Access, type Authenticate } from "./auth.ts";
import type { Caller } from "./caller.ts";
import type { AppEnv } from "./context.ts";

export function pageGuard(authenticate: Authenticate, route: string, access: Access): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const given = signedIn(context.req.header("authorization") ?? "");
    const caller = await authenticate(given === null ? "" : `Bearer ${given.password}`).catch(refused);
    if (caller === null) {
      return context.text("Sign in with your name, and your token as the password.\n", 401, {
        "www-authenticate": 'Basic realm="selfheal", charset="UTF-8"',
      });
    }
    context.set("person", caller.subject ?? given?.name ?? null);
    const known = (): Promise<Caller> => Promise.resolve(caller);
    return throughWay("page", () => allow(known, route, access)(context, next));
  };
}

function refused(error: unknown): null {
  if (error instanceof ProblemError && error.status === 401) return null;
  throw error;
}

function signedIn(header: string): { name: string; password: string } | null {
  const encoded = /^Basic +([\w+/=-]+) *$/i.exec(header)?.[1];
  if (encoded === undefined) return null;
  const [name = "", ...password] = Buffer.from(encoded, "base64").toString().split(":");
  return name === "" ? null : { name, password: password.join(":") };
}

/**
 * A browser sends a form of another site with what it signed in with here. Every browser says whose page it was: by
 * `Sec-Fetch-Site` where the page came over TLS or from this machine, by `Origin` always. Neither: it is no browser.
 */
export function requireOwnPage(header: (name: string) => string | undefined): void {
  const site = header("sec-fetch-site");
  const origin = header("origin");
  const isOwn = site === undefined ? origin === undefined || hostOf(origin) === header("host") : site === "same-origin";
  if (isOwn) return;
  const detail = "the form was not sent from this site; open the page and send it from there";
  throw new ProblemError({ status: 403, slug: "other-site", title: "Not from here", detail });
}

function hostOf(origin: string): string | null {
  return URL.parse(origin)?.host ?? null;
}
