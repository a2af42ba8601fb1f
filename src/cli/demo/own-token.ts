/** The demo's own calls to its API, which asks for a token from when somebody has made one: the demo then makes its own. */
import { createToken } from "../../starters/tokens.ts";
import { onRecord } from "../database.ts";

/** Who approves in the demo. */
export const ADA = "ada";
const FOR_MS = 7 * 86_400_000;

/** `fetch` that asks again with a token that `make` gives where the API wants one; not before, so that it stays open for people. */
export function fetchAsAda(make: () => Promise<string>, outside: typeof fetch = fetch): typeof fetch {
  let token: Promise<string> | null = null;
  return async (url, init) => {
    const send = async (shown: Promise<string> | null): Promise<Response> => {
      const headers = new Headers(init?.headers);
      if (shown !== null) headers.set("authorization", `Bearer ${await shown}`);
      return outside(url, { ...init, headers });
    };
    const shown = token;
    const answer = await send(shown);
    if (answer.status !== 401 || shown !== null) return answer;
    const made = (token ??= make());
    // The database may be away: the next call tries anew.
    made.catch(() => (token = null));
    return send(made);
  };
}

export async function tokenOfAda(databaseUrl: string): Promise<string> {
  const wish = { name: `demo-${Date.now()}`, subject: ADA, roles: ["approver" as const], groups: null, forMs: FOR_MS };
  const made = await onRecord({ url: databaseUrl, program: "selfheal demo" }, (record) =>
    createToken({ record }, { ...wish, by: "demo" }),
  );
  return made.secret;
}
