/** Maintenance and deploy windows over the API: those of selfheal.yaml, and those that people and pipelines open. */
import { dependenciesOfScope } from "../catalogue/dependencies.ts";
import { windowSchema } from "../catalogue/grammar/windows.ts";
import { indexOf, parseInventory } from "../catalogue/inventory.ts";
import { calendarOf } from "../catalogue/compile-surroundings.ts";
import { isJsonObject, type Json } from "../contracts/json.ts";
import type { CalendarWindow, OpenWindow, WindowKind } from "../contracts/surroundings.ts";
import { insideOf } from "../policy/calendar.ts";
import type { RecordStore } from "../record/api.ts";
import { hintWaiters, type ControlDependencies } from "./controls.ts";
import { asConflict, clipValue, notFound, type ProblemError, throughRecord, wrongField } from "./problems.ts";
import { checkScope } from "./scopes.ts";

export interface WindowAsk {
  kind: WindowKind;
  scope: string;
  reason: string;
  by: string;
  /** ISO; null: now. */
  from: string | null;
  /** ISO, or as long from its beginning: one of them. */
  until: string | null;
  forMs: number | null;
}

export interface WindowRow {
  /** Of one that was opened by hand; else the name in selfheal.yaml. */
  id: string;
  kind: WindowKind;
  scope: string;
  open: boolean;
  /** ISO; of one of selfheal.yaml that is not open: null. */
  until: string | null;
  /** Who opened it and why, or when it is. */
  detail: string;
}

export async function openWindow(deps: Pick<ControlDependencies, "record">, ask: WindowAsk): Promise<OpenWindow> {
  const { record } = deps;
  const { kind, scope, reason, by, from, forMs } = ask;
  await checkScope(record, scope);
  const now = await throughRecord("read the time", () => record.now());
  const begins = from ?? now;
  const until = ask.until ?? new Date(Date.parse(begins) + (forMs ?? 0)).toISOString();
  if (Date.parse(until) <= Math.max(Date.parse(begins), Date.parse(now))) {
    throw wrongEnd(until, `a time after ${Date.parse(begins) > Date.parse(now) ? begins : now}`);
  }
  const content = await activeContent(record);
  const needs = neededBy(content, scope);
  const wish = { kind, scope, needs, reason, by, from, until };
  return throughRecord("open the window", () => record.openWindow(wish).catch(asConflict));
}

/** `what`: the id of one window, its beginning, or a scope: every window that is open or to come on exactly that scope. */
export async function closeWindows(
  deps: ControlDependencies,
  what: string,
  by: string,
): Promise<{ closed: OpenWindow[]; hinted: number }> {
  const there = await throughRecord("read the windows", () => deps.record.windows());
  const ofScope = there.filter((one) => one.scope === what);
  const byId = what.length >= 4 ? there.filter((one) => one.id.startsWith(what)) : [];
  const chosen = ofScope.length > 0 ? ofScope : byId;
  if (chosen.length === 0) {
    const names = there.map((one) => `${one.id.slice(0, 13)} (${one.scope})`).join(", ");
    const detail = `no window that was opened by hand has the scope or id ${what}; there ${names === "" ? "is none" : `are ${names}`}`;
    throw notFound(detail);
  }
  const ids = chosen.map((one) => one.id);
  const closed = await throughRecord("close the window", () => deps.record.closeWindows(ids, by));
  return { closed, hinted: await hintWaiters(deps) };
}

export async function listWindows({ record }: Pick<ControlDependencies, "record">): Promise<WindowRow[]> {
  const [byHand, content, now] = await Promise.all([
    throughRecord("read the windows", () => record.windows()),
    activeContent(record),
    throughRecord("read the time", () => record.now()),
  ]);
  const at = Date.parse(now);
  return [
    ...byHand.map(({ id, kind, scope, by, reason, from, until }) => {
      const open = Date.parse(from) <= at;
      return { id, kind, scope, open, until, detail: `${by}: ${reason}${open ? "" : `, from ${from}`}` };
    }),
    ...calendarIn(content).map((one) => {
      const inside = insideOf(one, at);
      const { name: id, kind, scope } = one;
      return { id, kind, scope, open: inside !== null, until: inside?.until ?? null, detail: timesOf(one) };
    }),
  ];
}

function timesOf({ when }: CalendarWindow): string {
  if ("once" in when) return `selfheal.yaml: from ${when.once.from} until ${when.once.until}`;
  const { days, from, to, timeZone } = when.weekly;
  return `selfheal.yaml: ${days.length === 7 ? "every day" : days.join(", ")} ${from} to ${to} ${timeZone}`;
}

async function activeContent(record: Pick<RecordStore, "activeVersion" | "catalogue">): Promise<Json> {
  return throughRecord("read the active catalogue", async () => {
    const version = await record.activeVersion();
    return version === null ? null : record.catalogue(version);
  });
}

function neededBy(content: Json, scope: string): string[] {
  const document = isJsonObject(content) ? content["inventory"] : null;
  if (document === undefined || !isJsonObject(document)) return [];
  const parsed = parseInventory(document);
  return parsed.success ? dependenciesOfScope(indexOf(document, parsed.data, {}).inventory, scope) : [];
}

/** The stored documents are as they were written and checked. */
function calendarIn(content: Json): CalendarWindow[] {
  const config = isJsonObject(content) ? content["config"] : null;
  const written = isJsonObject(config) && Array.isArray(config["windows"]) ? config["windows"] : [];
  const windows = written.flatMap((one) => windowSchema.safeParse(one).data ?? []);
  return calendarOf({ windows });
}

function wrongEnd(until: string, wouldBeRight: string): ProblemError {
  return wrongField("until", clipValue(until), wouldBeRight);
}
