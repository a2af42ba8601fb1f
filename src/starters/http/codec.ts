/**
 * A codec server: Temporal's Web UI and its CLI have payloads decrypted here, one request a page. It answers the Web UI's
 * own origin alone, and shows what the keys open only to whom it knows.
 */
import { Hono } from "hono";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import type { Payload, PayloadCodec } from "@temporalio/common";
import { z } from "zod";
import { reachOf } from "../../contracts/roles.ts";
import { messageOf } from "../../config/user-error.ts";
import { ProblemError, Unavailable } from "../problems.ts";
import type { Authenticate } from "./auth.ts";
import { limitBody } from "./body.ts";

export interface CodecOptions {
  codec: PayloadCodec;
  /** Of the Web UI, `https://temporal.example.net`; null: no browser is answered. */
  origin: string | null;
  authenticate: Authenticate;
}

/** Temporal's own limit for one answer is 4 MB. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const base64 = z.base64().transform((text) => Buffer.from(text, "base64"));
const BODY = z.object({
  payloads: z.array(
    z.object({ metadata: z.record(z.string(), base64).default({}), data: base64.default(Buffer.alloc(0)) }),
  ),
});

/** `POST /encode` and `POST /decode`, as Temporal's remote codecs are asked. */
export function createCodecApp({ codec, origin, authenticate }: CodecOptions): Hono {
  const app = new Hono();
  const allow = ["Authorization", "Content-Type", "X-Namespace"];
  if (origin !== null) app.use(cors({ origin, allowMethods: ["POST"], allowHeaders: allow }));
  app.onError((error, context) => {
    const status = statusOf(error);
    const headers = error instanceof ProblemError ? error.headers : {};
    return context.json({ message: status === 500 ? "a bug in selfheal" : messageOf(error) }, status, headers);
  });
  app.get("/healthz", (context) => context.json({ alive: true }));
  for (const what of ["encode", "decode"] as const) {
    app.post(`/${what}`, limitBody(MAX_BODY_BYTES), async (context) => {
      const { grants } = await authenticate(context.req.header("authorization"));
      if (reachOf(grants, "viewer") !== "everywhere") {
        return context.json({ message: "payloads are of all groups: this takes a role that is confined to none" }, 403);
      }
      const parsed = BODY.safeParse(await context.req.json<unknown>().catch(() => null));
      if (!parsed.success)
        return context.json({ message: "right would be {payloads: [{metadata, data}]} in base64" }, 400);
      const payloads = await codec[what](parsed.data.payloads).catch((error: unknown) => {
        throw new HTTPException(400, { message: messageOf(error), cause: error });
      });
      return context.json({ payloads: payloads.map(asJson) });
    });
  }
  return app;
}

function statusOf(error: unknown): 400 | 401 | 403 | 413 | 500 | 503 {
  if (error instanceof Unavailable) return 503;
  if (error instanceof HTTPException && error.status === 400) return 400;
  if (!(error instanceof ProblemError)) return 500;
  return error.status === 401 || error.status === 403 || error.status === 413 ? error.status : 400;
}

function asJson({ metadata, data }: Payload): object {
  const entries = Object.entries(metadata ?? {}).map(
    ([name, value]) => [name, Buffer.from(value).toString("base64")] as const,
  );
  return { metadata: Object.fromEntries(entries), data: Buffer.from(data ?? []).toString("base64") };
}
