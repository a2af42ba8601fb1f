/** What goes on around a target and is only known outside: read when a plan is decided, kept in the record with its time. */
import type { Catalogue, Runbook } from "../../catalogue/catalogue.ts";
import { leasesOn } from "../../catalogue/foreign-leases.ts";
import { silencesOn } from "../../catalogue/silences.ts";
import type { Alert } from "../../contracts/alert.ts";
import { scopeOf } from "../../contracts/ids.ts";
import type { Json } from "../../contracts/json.ts";
import type { Plan } from "../../contracts/plan.ts";
import type { SloLimit } from "../../contracts/surroundings.ts";
import { AdapterError } from "../../ports/failure.ts";
import type { ActivityDependencies } from "../dependencies.ts";

/**
 * Nothing is asked that the plan has no limit by. What cannot be read is asked for again, because a restart of monitoring
 * must not send every alert to a person; then it is saved as that, so that it refuses.
 */
export async function readSurroundings(
  deps: ActivityDependencies,
  catalogue: Catalogue,
  runbook: Runbook,
  { target, limits }: Plan,
  alerts: readonly Alert[],
): Promise<void> {
  const { silencesMaxAgeMs = null, leasesMaxAgeMs = null, slos = [] } = limits.surroundings ?? {};
  const scope = scopeOf.target(target);
  const silences = async (): Promise<void> => {
    const from = runbook.spec.target.from;
    const read = await readable(deps, async () => {
      const found = silencesOn(
        catalogue.inventory,
        target,
        from,
        alerts,
        await once(deps.ports.silences, (port) => port.active()),
      );
      return found.map((one) => ({ ...one }));
    });
    await deps.record.saveReading("silences", scope, read);
  };
  const leases = async (): Promise<void> => {
    const read = await readable(deps, async () => {
      const found = leasesOn(catalogue.inventory, target, await once(deps.ports.leases, (port) => port.held()));
      return found.map((one) => ({ ...one }));
    });
    await deps.record.saveReading("leases", scope, read);
  };
  const slo = async (limit: SloLimit): Promise<void> =>
    deps.record.saveReading("slo", `${scope} ${limit.name}`, await readSlo(deps, limit));
  await Promise.all([
    ...(silencesMaxAgeMs === null ? [] : [silences()]),
    ...(leasesMaxAgeMs === null ? [] : [leases()]),
    ...slos.map(slo),
  ]);
}

const asked = new WeakMap<object, Promise<unknown>>();

/** One answer serves all who ask while it is on its way: a storm of decisions is one question. One question a port. */
function once<P extends object, T>(port: P, ask: (port: P) => Promise<T>): Promise<T> {
  const known = asked.get(port) as Promise<T> | undefined;
  if (known !== undefined) return known;
  const answer = ask(port).finally(() => asked.delete(port));
  asked.set(port, answer);
  return answer;
}

interface Read {
  value: Json | null;
  detail: string;
}

async function readable(deps: ActivityDependencies, ask: () => Promise<Json>): Promise<Read> {
  try {
    return { value: await ask(), detail: "" };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    const again = error.failure === "permanent" ? null : deps.later(error.message, error.retryAfterMs);
    if (again !== null) throw again;
    return { value: null, detail: error.message };
  }
}

async function readSlo(deps: ActivityDependencies, { errors, maxAgeMs }: SloLimit): Promise<Read> {
  const { metrics } = deps.ports;
  const [window, recent] = await Promise.all([
    metrics.scalar(errors.window, maxAgeMs),
    metrics.scalar(errors.recent, maxAgeMs),
  ]);
  if (window.ok && recent.ok) return { value: { window: window.value, recent: recent.value }, detail: "" };
  const detail = window.ok ? (recent.ok ? "" : recent.reason) : window.reason;
  const again = deps.later(detail);
  if (again !== null) throw again;
  return { value: null, detail };
}
