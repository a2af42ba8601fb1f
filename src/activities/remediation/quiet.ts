/** In a window nobody is paged for what nothing was done about: people are told at its end, if it is still so. */
import { calendarOf, windowScopesOf } from "../../catalogue/compile-surroundings.ts";
import { normaliseName } from "../../catalogue/identity.ts";
import { windowsAt, type WindowNow } from "../../policy/guardrails/window.ts";
import type { ActivityDependencies } from "../dependencies.ts";

/** The open window that ends last; null: people are told now. Where that cannot be known, they are. */
export async function windowOver(deps: ActivityDependencies, remediationId: string): Promise<WindowNow | null> {
  try {
    const telling = await deps.record.telling(remediationId);
    if (telling === null || telling.acted) return null;
    const catalogue = await deps.catalogues.active();
    const { inventory } = catalogue;
    const { kind, id } = telling.target;
    const target = inventory.byName.get(kind)?.get(normaliseName(id, inventory.domains));
    const scopes = [...telling.scopes, ...(target === undefined ? [] : windowScopesOf(null, target))];
    const mine = <T extends { scope: string }>(windows: readonly T[]): T[] =>
      windows.filter(({ scope }) => scopes.includes(scope));
    const open = windowsAt(mine(calendarOf(catalogue)), mine(telling.windows), Date.parse(telling.now));
    return open.sort((a, b) => (a.until < b.until ? 1 : -1))[0] ?? null;
  } catch (error) {
    deps.log.error({ remediationId, err: error }, "it is not known whether a window is open: people are told now");
    return null;
  }
}
