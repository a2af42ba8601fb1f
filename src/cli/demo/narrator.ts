/** Turns what the record and the lab say into lines for people. Pure. */
import { isJsonObject, type JsonObject } from "../../contracts/json.ts";
import type { LogEntry } from "../../lab/world.ts";
import type { AuditRow } from "../../record/api.ts";

type Teller = (body: JsonObject) => string | null;

/** By kind of audit entry; a kind that is not here is not told. */
const TELLERS: Record<string, Teller> = {
  confirmed: (body) => {
    const reading = part(body, "reading");
    return `the probe says ${word(reading, "state")}: ${word(reading, "reason")}`;
  },
  collected: (body) => {
    const disk = part(part(body, "collected"), "disk");
    return `evidence: disk ${word(disk, "serial")} in ${word(disk, "slot")} is ${word(disk, "health")}`;
  },
  verdict: (body) => `verdict ${word(body, "outcome")}${reasons(body)}`,
  queued: (body) => `waits in the queue: ${word(body, "detail")}`,
  admitted: (body) => (typeof body["standing"] === "string" ? "may act, by a standing approval" : "may act"),
  effectIntended: () => null,
  effectSettled: (body) => {
    const direction = word(body, "direction");
    return `${word(body, "action")}${direction === "apply" ? "" : ` ${direction}`}: ${word(body, "state")}, ${word(body, "detail")}`;
  },
  decision: (body) => `${word(body, "decision")} by ${word(body, "by")}: ${word(body, "status") || "recorded"}`,
  waitBegan: (body) => (word(body, "system") === "tickets" ? `waits for ticket ${word(body, "ref")}` : null),
  read: (body) => {
    const bad = list(body, "readings").find((reading) => reading["state"] !== "healthy");
    return `verify: ${bad === undefined ? "healthy" : `${word(bad, "probe")} is ${word(bad, "state")}, ${word(bad, "reason")}`}`;
  },
  channelTook: (body) => `told people (${word(body, "route")}) through ${word(body, "channel")}`,
  closed: (body) => `${word(body, "outcome").toUpperCase()}: ${word(body, "detail")}`,
};

export function tellAudit(row: Pick<AuditRow, "kind" | "body">): string | null {
  return TELLERS[row.kind]?.(row.body) ?? null;
}

/** What only the world knows: the technician, the installer, the traffic. */
export function tellLab(entry: LogEntry): string | null {
  switch (entry.what) {
    case "disk-swapped":
      return `the technician swapped the disk: ${entry.detail ?? ""}`;
    case "disk-reseated":
      return "the technician reseated the disk and says that he is done";
    case "rebuild-done":
      return "the installer is done, the host boots";
    case "not-serving":
      return "does not serve any more";
    case "serving":
      return "serves again";
    case "fault":
      return `fault strikes: ${entry.detail ?? ""}`;
    default:
      return null;
  }
}

function reasons(body: JsonObject): string {
  const codes = list(body, "results")
    .filter((result) => result["outcome"] !== "pass")
    .map((result) => `${word(result, "code")} (${word(result, "detail")})`);
  return codes.length === 0 ? "" : `: ${codes.join(", ")}`;
}

function part(body: JsonObject, name: string): JsonObject {
  const value = body[name];
  return isJsonObject(value) ? value : {};
}

function list(body: JsonObject, name: string): JsonObject[] {
  const value = body[name];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function word(body: JsonObject, name: string): string {
  const value = body[name];
  return typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
}
