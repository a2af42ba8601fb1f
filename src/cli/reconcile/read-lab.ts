/** The world of a reconciliation, when it is the lab's: its true state and the log of everything that changed it. */
import { faultKey } from "../../contracts/ids.ts";
import { isFailing, isServing } from "../../lab/host.ts";
import { silenceState } from "../../lab/vendors/alertmanager.ts";
import { INITIAL_WEIGHT } from "../../lab/traffic.ts";
import type { LogEntry, World } from "../../lab/world.ts";
import type { Left, WorldChange, WorldFacts } from "./facts.ts";

/** By `system what` of the lab's log. */
const ACTIONS: Record<string, string> = {
  "rt ticket-created": "ticket.open",
  "alertmanager silence-created": "monitoring.silence",
  "ironic rebuild-started": "provisioner.rebuild",
  "haproxy drain": "loadbalancer.drain",
  "haproxy ready": "loadbalancer.restore",
};

export function readLab(world: World): WorldFacts {
  world.clock.catchUp();
  return {
    accepted: world.acceptedAlerts.map((alert) => ({
      faultKey: faultKey(alert),
      status: alert.status,
      target: alert.labels["host"] ?? "",
    })),
    changes: world.log.flatMap(changeOf),
    servers: [...world.traffic.pools.values()].flatMap(({ servers }) =>
      servers.map(({ host, admin, weight }) => ({
        target: host.id,
        takesAllTraffic: admin === "ready" && weight === INITIAL_WEIGHT,
        state: admin === "ready" ? `at ${Math.round((weight / INITIAL_WEIGHT) * 100)} % of its weight` : `${admin}ed`,
      })),
    ),
    unwell: [...world.hosts.values()].flatMap((host) => {
      if (isFailing(host)) return [{ target: host.id, why: "its disk is failing" }];
      return isServing(host) ? [] : [{ target: host.id, why: "it does not serve" }];
    }),
    tickets: openTickets(world),
    silences: activeSilences(world),
  };
}

function changeOf({ system, what, key, host, time }: LogEntry): WorldChange[] {
  const action = ACTIONS[`${system} ${what}`];
  return action === undefined ? [] : [{ action, key: key ?? null, target: host ?? "", at: time }];
}

function openTickets({ tickets }: World): Left[] {
  return tickets
    .all()
    .filter(({ status }) => status === "new" || status === "open" || status === "stalled")
    .map((ticket) => ({ id: String(ticket.id), key: tickets.keyOf(ticket) ?? null, target: ticket.host ?? "" }));
}

function activeSilences(world: World): Left[] {
  return [...world.silences.values()]
    .filter((silence) => silenceState(world, silence) === "active")
    .map(({ id, matchers, comment }) => ({
      id,
      key: /\[selfheal (\S+)\]$/.exec(comment)?.[1] ?? null,
      target: matchers.find(({ name }) => name === "host")?.value ?? "",
    }));
}
