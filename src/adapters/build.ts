import { AdapterError } from "../ports/failure.ts";
import type { Outside, Ports } from "../ports/ports.ts";
import { alertmanager } from "./alertmanager/silences.ts";
import type { Connections } from "./connections.ts";
import { httpProbe } from "./direct/http-probe.ts";
import { tcpProbe } from "./direct/tcp-probe.ts";
import { haproxy } from "./haproxy/load-balancer.ts";
import { ironic } from "./ironic/provisioner.ts";
import { leaseFile } from "./lease-file/leases.ts";
import { prometheus, prometheusProbe } from "./prometheus/metrics.ts";
import { redfish } from "./redfish/bmc.ts";
import { requestTracker } from "./request-tracker/tickets.ts";
import { slack } from "./slack/notify.ts";

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
    notify: c.notify ? slack({ ...c.notify, outside }) : missing("notify"),
    probes: {
      "prometheus.query": prometheusProbe(metrics),
      "http.get": httpProbe(outside),
      "tcp.connect": tcpProbe(outside),
    },
  };
}

/** Ports that lead to those of now at each call: whoever holds one need not know that they were built anew. */
export function livePorts(current: () => Ports): Ports {
  const port = <N extends Exclude<keyof Ports, "probes">>(name: N): Ports[N] =>
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
