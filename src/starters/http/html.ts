/** The frame of every page: no script, no other host, readable on a phone. Values are escaped by the tag `html`. */
import { createHash } from "node:crypto";
import type { Context } from "hono";
import { html, raw } from "hono/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppEnv } from "./context.ts";

export type Markup = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
pre { overflow-x: auto; padding: .6rem; border: 1px solid var(--line); border-radius: .3rem; font-size: .85rem; }
form { border: 2px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 1rem 0; }
input, button { font: inherit; padding: .6rem; border-radius: .3rem; border: 1px solid; } input { width: 100%; box-sizing: border-box; }
button { min-width: 8rem; margin: .6rem .6rem 0 0; cursor: pointer; }
.scroll { overflow-x: auto; } .quiet { opacity: .7; } .bad { color: #c0392b; font-weight: 600; } .good { color: #1e8449; font-weight: 600; }
`;
/** Apart from the page's template: its text must stay exactly what is hashed. */
const STYLE_TAG = raw(`<style>${STYLE}</style>`);
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cache-control": "no-store",
};

export async function answerPage(
  context: Context<AppEnv>,
  page: { title: string; body: Markup; status?: ContentfulStatusCode; refreshSeconds?: number },
): Promise<Response> {
  const { title, body, status = 200, refreshSeconds } = page;
  const refresh =
    refreshSeconds === undefined
      ? ""
      : html`<meta http-equiv="refresh" content="${String(refreshSeconds)};url=${context.req.path}" />`;
  const text = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${STYLE_TAG} ${refresh}
      </head>
      <body>
        ${body}
      </body>
    </html>`;
  return context.body(text.toString(), status, HEADERS);
}
