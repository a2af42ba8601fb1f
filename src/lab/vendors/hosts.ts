/** The hosts' own health endpoints. A service that is down answers 503, since the lab has one address for all of them. */
import { isServing } from "../host.ts";
import type { Vendor } from "../request.ts";
import { json, segments } from "../request.ts";
import type { World } from "../world.ts";

export function hosts(world: World): Vendor {
  return {
    system: "hosts",
    prefix: "/hosts",
    changes: () => false,
    hostOf: (request) => segments(request.path)[0] ?? null,
    handle: (request) => {
      const [id = "", page] = segments(request.path);
      const host = world.hosts.get(id);
      if (!host || page !== "health") return json(404, { error: "not found" });
      const status = isServing(host) ? "ok" : "down";
      return json(status === "ok" ? 200 : 503, {
        status,
        host: id,
        bootGeneration: host.bootGeneration,
        services: host.services,
      });
    },
  };
}
