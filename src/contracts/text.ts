/** Text that came from anywhere. PostgreSQL's text cannot hold NUL, and strict JSON parsers refuse half a surrogate pair. */

/** With U+FFFD in the place of each character that cannot be kept. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

export function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** Names and values; the same record where there is nothing to clean. A name like `__proto__` stays a name. */
export function cleanRecord(record: Record<string, string>): Record<string, string> {
  if (Object.keys(record).every((name) => isClean(name) && isClean(record[name] ?? ""))) return record;
  const entries = Object.entries(record).map(([name, value]) => [cleanText(name), cleanText(value)] as const);
  return Object.fromEntries(entries);
}

/** Without control characters and line ends: a label must not move the cursor or imitate a line of ours. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ").trimEnd();
}

/** By Slack's escaping rules (https://api.slack.com/reference/surfaces/formatting#escaping): no link, and no channel rings. */
export function slackText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** `3d`, `5h 12m`, `4m 3s`, `850ms`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "?";
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds === 0) return ms > 0 ? `${Math.round(ms)}ms` : "0s";
  const units = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "m"],
    [1, "s"],
  ] as const;
  const parts: string[] = [];
  let rest = seconds;
  for (const [size, unit] of units) {
    if (rest >= size && parts.length < 2) parts.push(`${Math.floor(rest / size)}${unit}`);
    rest %= size;
  }
  return parts.join(" ");
}
