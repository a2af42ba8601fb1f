/** Prometheus' query API (2.42), its readiness, and the same series as text under `/metrics`. */
import { firingAlerts } from "../alerts.ts";
import type { LabReply, LabRequest, Vendor } from "../request.ts";
import { json, parameters, text } from "../request.ts";
import type { Series, SeriesSource } from "../series.ts";
import type { World } from "../world.ts";
import { parseQuery, type Matcher } from "./promql.ts";

export function prometheus(world: World, source: SeriesSource): Vendor {
  return {
    system: "prometheus",
    prefix: "/prometheus",
    changes: () => false,
    hostOf: (request) => /\bhost="([^"]+)"/.exec(parameters(request).get("query") ?? "")?.[1] ?? null,
    handle: (request) => {
      const down = world.faults.strike("metrics-down", { system: "prometheus" });
      if (down) return { ...text(down.status ?? 503, "Service Unavailable"), cut: down.cut === true };
      switch (request.path) {
        case "/api/v1/query":
          return query(world, source, request);
        case "/api/v1/query_range":
          return alertRange(world, request);
        case "/-/ready":
          return text(200, "Prometheus Server is Ready.\n");
        case "/-/healthy":
          return text(200, "Prometheus Server is Healthy.\n");
        case "/metrics":
          return text(200, exposition(source.all()));
        case "/api/v1/status/buildinfo":
          return json(200, { status: "success", data: { version: "2.42.0+ds", revision: "lab", branch: "lab" } });
        default:
          return text(404, "404 page not found\n");
      }
    },
  };
}

function query(world: World, source: SeriesSource, request: LabRequest): LabReply {
  if (request.method !== "GET" && request.method !== "POST") return text(405, "Method Not Allowed\n");
  const asked = parameters(request);
  const time = evaluationTime(world, asked.get("time"));
  if (time === null) {
    const error = `invalid parameter "time": Invalid time value for 'time': cannot parse ${JSON.stringify(asked.get("time"))} to a valid timestamp`;
    return json(400, { status: "error", errorType: "bad_data", error });
  }
  try {
    const parsed = parseQuery(asked.get("query") ?? "");
    if (parsed.kind === "scalar") return success("scalar", [time / 1000, sample(parsed.value)]);
    if (parsed.kind === "constant") {
      const value: [number, string] = [time / 1000, sample(parsed.value ?? time / 1000)];
      return success("vector", [{ metric: {}, value }]);
    }
    const result = candidates(source, parsed.matchers)
      .filter((series) => matches(series, parsed.matchers))
      .map((series) => (parsed.timestamp ? timestampOf(series) : series))
      .filter((series) => parsed.keep === null || parsed.keep(series.value))
      .map((series) => ({ metric: series.labels, value: [time / 1000, sample(series.value)] }));
    return success("vector", result);
  } catch (error) {
    const message = `invalid parameter "query": ${(error as Error).message}`;
    return json(400, { status: "error", errorType: "bad_data", error: message });
  }
}

/** Of ranges the lab speaks only `ALERTS`: what fires now, since when it does. */
function alertRange(world: World, request: LabRequest): LabReply {
  const asked = parameters(request);
  const [start, end] = [evaluationTime(world, asked.get("start")), evaluationTime(world, asked.get("end"))];
  const step = Number(asked.get("step")) * 1000;
  if (!/^ALERTS\b/.test(asked.get("query") ?? "") || start === null || end === null || !(step > 0)) {
    const error = "the lab speaks query_range of ALERTS only, with start, end and step";
    return json(400, { status: "error", errorType: "bad_data", error });
  }
  const now = Math.floor(world.clock.wall(world.clock.now()));
  const result = firingAlerts(world).flatMap(({ labels, startsAt }) => {
    const values: [number, string][] = [];
    for (let at = start; at <= Math.min(end, now); at += step) {
      if (at >= Date.parse(startsAt)) values.push([at / 1000, "1"]);
    }
    const metric = { __name__: "ALERTS", alertstate: "firing", ...labels };
    return values.length === 0 ? [] : [{ metric, values }];
  });
  return success("matrix", result);
}

/** A fleet has many series and most questions are about one host. */
function candidates(source: SeriesSource, matchers: Matcher[]): Series[] {
  const exact = (label: string): string =>
    matchers.find((each) => each.label === label && each.operator === "=")?.value ?? "";
  if (exact("host") !== "") return source.of({ host: exact("host") });
  return exact("__name__").startsWith("pool_") ? source.of("pools") : source.all();
}

function success(resultType: string, result: unknown): LabReply {
  return json(200, { status: "success", data: { resultType, result } });
}

/** Unix seconds or RFC 3339; wall ms. */
function evaluationTime(world: World, asked: string | null): number | null {
  if (asked === null) return Math.floor(world.clock.wall(world.clock.now()));
  const ms = /^[\d.]+$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked);
  return Number.isFinite(ms) ? ms : null;
}

function matches(series: Series, matchers: Matcher[]): boolean {
  return matchers.every((each) => each.test(series.labels[each.label] ?? ""));
}

function timestampOf(series: Series): Series {
  const { __name__: _, ...labels } = series.labels;
  return { ...series, labels, value: series.sampledAt / 1000 };
}

function sample(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

function exposition(all: Series[]): string {
  const names = [...new Set(all.map((series) => series.labels["__name__"] ?? ""))];
  return names
    .map((name) => {
      const lines = all
        .filter((series) => series.labels["__name__"] === name)
        .map((series) => `${line(name, series)}\n`);
      return `# TYPE ${name} ${name.endsWith("_total") ? "counter" : "gauge"}\n${lines.join("")}`;
    })
    .join("");
}

function line(name: string, series: Series): string {
  const labels = Object.entries(series.labels).filter(([label]) => label !== "__name__");
  return `${name}{${labels.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(",")}} ${sample(series.value)}`;
}
