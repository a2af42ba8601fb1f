import { z } from "zod";
import type { Outside, Silence, SilencePort } from "../../ports/ports.ts";
import { Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";

export interface AlertmanagerOptions {
  /** With the path under which it is served, without `/api`. */
  url: string;
  outside: Outside;
  timeoutMs?: number;
}

const silence = z.object({
  id: z.string(),
  status: z.object({ state: z.enum(["active", "pending", "expired"]) }),
  matchers: z.array(
    z.object({ name: z.string(), value: z.string(), isRegex: z.boolean(), isEqual: z.boolean().default(true) }),
  ),
  comment: z.string(),
  createdBy: z.string(),
  startsAt: z.string(),
  endsAt: z.string(),
});

const CREATED_BY = "selfheal";
/** Stands at the end of the comment; the key is percent-encoded in its parts, so `]` cannot be in it. */
const mark = (key: string): string => `[selfheal ${key}]`;
const MARKED = /\[selfheal [^\]]+\]$/;

/** Silences over Alertmanager's API v2. Matchers are plain equality. */
export function alertmanager(options: AlertmanagerOptions): SilencePort {
  const { outside, url, timeoutMs = 10_000 } = options;
  const guarded = new Guarded({ system: "alertmanager", clock: outside.clock, timeoutMs });
  const http = httpJson({ guarded, fetch: outside.fetch, url });

  const list = async (): Promise<Silence[]> => {
    const path = "/api/v2/silences";
    const all = await http({ operation: "list", kind: "read", method: "GET", path, accept: z.array(silence) });
    return all.map(({ status, ...rest }) => {
      const ours = rest.createdBy === CREATED_BY && MARKED.test(rest.comment);
      return { ...rest, state: status.state, ours };
    });
  };
  const stateOf = (id: string): Promise<Silence["state"] | "gone"> =>
    http<Silence["state"] | "gone">({
      operation: "get",
      kind: "read",
      method: "GET",
      path: `/api/v2/silence/${encodeURIComponent(id)}`,
      accept: silence.transform((one) => one.status.state),
      on: { 404: () => "gone" },
    });

  return {
    async create({ matchers, startsAt, endsAt, key, comment }) {
      const body = {
        matchers: Object.entries(matchers).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true })),
        startsAt,
        endsAt,
        createdBy: CREATED_BY,
        comment: `${comment} ${mark(key)}`,
      };
      const call = { operation: "create", kind: "write", method: "POST", path: "/api/v2/silences" } as const;
      return (await http({ ...call, body, accept: z.object({ silenceID: z.string().min(1) }) })).silenceID;
    },
    async findByKey(key) {
      return (await list()).filter((one) => one.state !== "expired" && one.comment.endsWith(mark(key)));
    },
    async expire(id) {
      // Alertmanager answers 500 when it is expired already.
      const state = await stateOf(id);
      if (state === "expired" || state === "gone") return;
      const path = `/api/v2/silence/${encodeURIComponent(id)}`;
      await http({ operation: "expire", kind: "write", method: "DELETE", path, accept: z.unknown(), plain: true });
    },
    async active() {
      return (await list()).filter((one) => one.state === "active");
    },
  };
}
