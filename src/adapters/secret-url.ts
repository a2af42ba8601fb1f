import { Secret } from "../ports/secret.ts";

/** A shorter part of a URL is a word, not a secret. */
const SHORTEST_SECRET = 8;

/** What of a secret URL others could show: without its end, its path, or the last part alone, which is the token. */
export function partsOf(url: Secret): Secret[] {
  const whole = url.reveal();
  const { pathname = "", search = "" } = URL.parse(whole) ?? {};
  const path = pathname.replace(/\/+$/, "");
  const parts = [whole, whole.replace(/\/+$/, ""), `${pathname}${search}`, path, path.split("/").at(-1) ?? "", search];
  return parts.filter((part) => part.length >= SHORTEST_SECRET).map((part) => new Secret(part));
}
