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
