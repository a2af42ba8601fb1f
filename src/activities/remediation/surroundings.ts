/** What goes on around a target and is only known outside: read when a plan is decided, kept in the record with its time. */
import type { Catalogue, Runbook } from "../../catalogue/catalogue.ts";
import { silencesOn } from "../../catalogue/silences.ts";
import type { Alert } from "../../contracts/alert.ts";
import { scopeOf } from "../../contracts/ids.ts";
import type { Json } from "../../contracts/json.ts";
import type { Plan } from "../../contracts/plan.ts";
import type { SloLimit } from "../../contracts/surroundings.ts";
import { AdapterError } from "../../ports/failure.ts";
import type { ActivityDependencies } from "../dependencies.ts";

/** Nothing is asked that the plan has no limit by. What cannot be read is saved as that, so that it refuses. */
export async function readSurroundings(
  deps: ActivityDependencies,
  catalogue: Catalogue,
  runbook: Runbook,
  { target, limits }: Plan,
  alerts: readonly Alert[],
): Promise<void> {
  const { silencesMaxAgeMs = null, slos = [] } = limits.surroundings ?? {};
  const scope = scopeOf.target(target);
  const silences = async (): Promise<void> => {
    const from = runbook.spec.target.from;
    const read = await readable(async () => {
      const found = silencesOn(catalogue.inventory, target, from, alerts, await deps.ports.silences.active());
      return found.map((one) => ({ ...one }));
    });
    await deps.record.saveReading("silences", scope, read);
  };
  const slo = async (limit: SloLimit): Promise<void> =>
    deps.record.saveReading("slo", `${scope} ${limit.name}`, await readSlo(deps, limit));
  await Promise.all([...(silencesMaxAgeMs === null ? [] : [silences()]), ...slos.map(slo)]);
}

interface Read {
  value: Json | null;
  detail: string;
}

async function readable(ask: () => Promise<Json>): Promise<Read> {
  try {
    return { value: await ask(), detail: "" };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return { value: null, detail: error.message };
  }
}

async function readSlo({ ports }: ActivityDependencies, { errors, maxAgeMs }: SloLimit): Promise<Read> {
  const [window, recent] = await Promise.all([
    ports.metrics.scalar(errors.window, maxAgeMs),
    ports.metrics.scalar(errors.recent, maxAgeMs),
  ]);
  if (!window.ok) return { value: null, detail: window.reason };
  if (!recent.ok) return { value: null, detail: recent.reason };
  return { value: { window: window.value, recent: recent.value }, detail: "" };
}
