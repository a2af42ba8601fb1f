/**
 * Who may see pages. Browsers cannot send a bearer token by themselves, but ask for a name and a password: the password
 * is the API's token, the name is the person's. The one place to put another way to sign in.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { ProblemError } from "../problems.ts";
import type { Token } from "./auth.ts";
import type { AppEnv } from "./context.ts";

export function pageGuard(token: Token | null): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const given = signedIn(context.req.header("authorization") ?? "");
    if (token !== null && (given === null || !same(given.password, token.reveal()))) {
      return context.text("Sign in with your name, and the API's token as the password.\n", 401, {
        "www-authenticate": 'Basic realm="selfheal", charset="UTF-8"',
      });
    }
    context.set("person", given?.name ?? null);
    return next();
  };
}

function signedIn(header: string): { name: string; password: string } | null {
  const encoded = /^Basic +([\w+/=-]+) *$/i.exec(header)?.[1];
  if (encoded === undefined) return null;
  const [name = "", ...password] = Buffer.from(encoded, "base64").toString().split(":");
  return name === "" ? null : { name, password: password.join(":") };
}

function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
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
