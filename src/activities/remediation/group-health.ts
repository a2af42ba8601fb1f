/**
 * Which members of a group are not healthy, by the load balancer and a health query: read when a plan is decided, kept in
 * the record with its time, so that admission judges by it too. A member that a source does not know is not healthy.
 */
import type { Catalogue } from "../../catalogue/catalogue.ts";
import { groupLimitsOf } from "../../catalogue/compile-shared.ts";
import { normaliseName } from "../../catalogue/identity.ts";
import type { Target } from "../../contracts/target.ts";
import { AdapterError } from "../../ports/failure.ts";
import type { Ports } from "../../ports/ports.ts";
import type { ActivityDependencies } from "../dependencies.ts";

class Unreadable extends Error {}

/** Does nothing where the group's `minHealthy` asks for no source. */
export async function readGroupHealth(deps: ActivityDependencies, catalogue: Catalogue, target: Target): Promise<void> {
  const { kind, group } = target;
  const read = await groupHealth(deps.ports, catalogue, { kind, group });
  if (read !== null) await deps.record.saveGroupHealth({ kind, group }, read);
}

type Group = Pick<Target, "kind" | "group">;

/** null: the group's `minHealthy` asks for no source. `unhealthy` null: a source could not be read. */
export async function groupHealth(
  ports: Ports,
  catalogue: Catalogue,
  of: Group,
): Promise<{ unhealthy: string[] | null; detail: string } | null> {
  const limit = groupLimitsOf(catalogue, of).minHealthy;
  if (limit === undefined || (!limit.loadBalancer && limit.query === undefined)) return null;
  try {
    const sources = [
      ...(limit.loadBalancer ? [await healthyInBalancer(ports, catalogue, of)] : []),
      ...(limit.query === undefined ? [] : [await healthyByQuery(ports, catalogue, of, limit.query, limit.label)]),
    ];
    const members = catalogue.inventory.targets.filter((one) => one.kind === of.kind && one.group === of.group);
    const unhealthy = members.map(({ id }) => id).filter((id) => sources.some((healthy) => !healthy.has(id)));
    return { unhealthy: unhealthy.sort(), detail: `${unhealthy.length} of ${members.length} are not healthy` };
  } catch (error) {
    if (!(error instanceof AdapterError || error instanceof Unreadable)) throw error;
    return { unhealthy: null, detail: error.message };
  }
}

/** A server in several pools must be up in all of them. */
async function healthyInBalancer(ports: Ports, catalogue: Catalogue, target: Group): Promise<Set<string>> {
  const servers = (await ports.loadBalancer.servers()).flatMap((server) => {
    const id = memberOf(catalogue, target, server.server);
    return id === null ? [] : [{ id, isIn: server.admin === "ready" && server.operational === "up" }];
  });
  if (servers.length === 0) throw new Unreadable(`the load balancer knows no member of group ${target.group}`);
  const out = new Set(servers.filter((one) => !one.isIn).map((one) => one.id));
  return new Set(servers.map((one) => one.id).filter((id) => !out.has(id)));
}

async function healthyByQuery(
  ports: Ports,
  catalogue: Catalogue,
  target: Group,
  query: string,
  label: string,
): Promise<Set<string>> {
  const read = await ports.metrics.series(query, label);
  if (!read.ok) throw new Unreadable(read.reason);
  const healthy = Object.entries(read.values).flatMap(([name, value]) =>
    value === 1 ? [memberOf(catalogue, target, name)] : [],
  );
  return new Set(healthy.filter((id) => id !== null));
}

function memberOf({ inventory }: Catalogue, { kind, group }: Group, name: string): string | null {
  const found = inventory.byName.get(kind)?.get(normaliseName(name, inventory.domains));
  return found?.group === group ? found.id : null;
}
