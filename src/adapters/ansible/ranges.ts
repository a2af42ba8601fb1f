import { AdapterError } from "../../ports/failure.ts";

const RANGE = /^(.*?)\[(\d+|[a-z]):(\d+|[a-z])(?::(\d+))?\](.*)$/;
const MOST = 10_000;

/** `web[01:10]` and `db-[a:c]`, as Ansible means them: both ends belong to it, leading zeros stay. */
export function expandHosts(pattern: string): string[] {
  const match = RANGE.exec(pattern);
  if (match === null) return [pattern];
  const [, before = "", from = "", to = "", step = "1", after = ""] = match;
  const isNumber = /^\d/.test(from);
  const [first, last] = isNumber ? [Number(from), Number(to)] : [from.charCodeAt(0), to.charCodeAt(0)];
  if (/^\d/.test(to) !== isNumber || last < first || Number(step) < 1 || last - first > MOST) {
    const message = `${pattern} is no range; right would be name[01:10], of at most ${MOST}`;
    throw new AdapterError("permanent", { system: "ansible", operation: "inventory" }, message);
  }
  const names: string[] = [];
  for (let at = first; at <= last; at += Number(step)) {
    const middle = isNumber ? String(at).padStart(from.length, "0") : String.fromCharCode(at);
    names.push(...expandHosts(`${before}${middle}${after}`));
  }
  return names;
}
