import { AdapterError } from "../ports/failure.ts";
import type { ChannelPort, Outside, Ports } from "../ports/ports.ts";
import { alertmanager } from "./alertmanager/silences.ts";
import { buildChannel } from "./channels.ts";
import type { Connections } from "./connections.ts";
import { httpProbe } from "./direct/http-probe.ts";
import { tcpProbe } from "./direct/tcp-probe.ts";
import { haproxy } from "./haproxy/load-balancer.ts";
import { ironic } from "./ironic/provisioner.ts";
import { leaseFile } from "./lease-file/leases.ts";
import { prometheus, prometheusProbe } from "./prometheus/metrics.ts";
import { redfish } from "./redfish/bmc.ts";
import { requestTracker } from "./request-tracker/tickets.ts";

/** Builds every port that is configured; any other is a stub that rejects as permanent and says what is missing. */
export function buildPorts(connections: Connections, outside: Outside): Ports {
  const c = connections;
  const metrics = c.prometheus ? prometheus({ ...c.prometheus, outside }) : missingMetrics;
  return {
    metrics,
    loadBalancer: c.loadBalancer ? haproxy({ ...c.loadBalancer, outside }) : missing("loadBalancer"),
    tickets: c.tickets ? requestTracker({ ...c.tickets, outside }) : missing("tickets"),
    provisioner: c.provisioner ? ironic({ ...c.provisioner, outside }) : missing("provisioner"),
    bmc: c.bmc ? redfish({ ...c.bmc, outside }) : missing("bmc"),
    silences: c.alertmanager ? alertmanager({ ...c.alertmanager, outside }) : missing("alertmanager"),
    leases: c.leases ? leaseFile({ ...c.leases, outside }) : missing("leases"),
    // Who is told by which channel is decided where the record and the catalogue are (activities/notify).
    notify: missing("notify"),
    channels: buildChannels(c, outside),
    probes: {
      "prometheus.query": prometheusProbe(metrics),
      "http.get": httpProbe(outside),
      "tcp.connect": tcpProbe(outside),
    },
  };
}

function buildChannels({ channels = {}, notify }: Connections, outside: Outside): Record<string, ChannelPort> {
  const all = { ...channels, ...(notify === undefined ? {} : { notify }) };
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, buildChannel(one, outside)]));
}

/** Ports that lead to those of now at each call: whoever holds one need not know that they were built anew. */
export function livePorts(current: () => Ports): Ports {
  const port = <N extends Exclude<keyof Ports, "probes" | "channels">>(name: N): Ports[N] =>
    new Proxy({} as Ports[N], {
      get: (_, method) => {
        const port = current()[name];
        const found: unknown = Reflect.get(port, method);
        return typeof found === "function" ? (found.bind(port) as unknown) : found;
      },
    });
  return {
    metrics: port("metrics"),
    loadBalancer: port("loadBalancer"),
    tickets: port("tickets"),
    provisioner: port("provisioner"),
    bmc: port("bmc"),
    silences: port("silences"),
    leases: port("leases"),
    notify: port("notify"),
    get channels() {
      return current().channels;
    },
    get probes() {
      return current().probes;
    },
  };
}

const notConfigured = (connection: string): string => `is not configured in selfheal.yaml (connections.${connection})`;

/** By contract the metrics port never rejects. */
const missingMetrics: Ports["metrics"] = {
  series: () => Promise.resolve({ ok: false, reason: `prometheus ${notConfigured("prometheus")}` }),
  scalar: () => Promise.resolve({ ok: false, reason: `prometheus ${notConfigured("prometheus")}` }),
  range: () => Promise.resolve({ ok: false, reason: `prometheus ${notConfigured("prometheus")}` }),
};

/** All methods of these ports answer promises, so one proxy can stand for any of them. */
function missing<P extends object>(connection: keyof Connections): P {
  return new Proxy({} as P, {
    get: (_, method) =>
      typeof method === "symbol" || method === "then"
        ? undefined
        : () =>
            Promise.reject(
              new AdapterError("permanent", { system: connection, operation: method }, notConfigured(connection)),
            ),
  });
}
