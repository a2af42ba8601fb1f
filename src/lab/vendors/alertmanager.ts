/** Alertmanager's API v2 (0.25): silences, alerts, status. Silences run out by the client's clock. */
import { type FiringAlert, firingAlerts } from "../alerts.ts";
import type { LabReply, LabRequest, Vendor } from "../request.ts";
import { isObject, json, parseJson, segments, text } from "../request.ts";
import type { LabSilence, World } from "../world.ts";
import { matcher, parseMatchers, type Matcher } from "./promql.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function alertmanager(world: World): Vendor {
  return {
    system: "alertmanager",
    prefix: "/alertmanager",
    hostOf: (request) => /"(?:value)"\s*:\s*"([^"]+)"/.exec(request.body)?.[1] ?? hostOfSilence(world, request),
    handle: (request) => {
      if (request.path === "/-/ready" || request.path === "/-/healthy") return text(200, "OK");
      const [api, version, resource, id] = segments(request.path);
      if (api !== "api" || version !== "v2") return text(404, "404 page not found\n");
      if (resource === "status") return status(world);
      if (resource === "alerts") return request.method === "GET" ? alerts(world, request) : json(200, null);
      if (resource === "silences") return request.method === "POST" ? create(world, request) : list(world, request);
      if (resource === "silence" && id !== undefined) return one(world, request, id);
      return json(404, { code: 404, message: `path ${request.path} was not found` });
    },
  };
}

function hostOfSilence(world: World, request: LabRequest): string | null {
  const silence = world.silences.get(segments(request.path)[3] ?? "");
  return silence?.matchers.find((each) => each.name === "host")?.value ?? null;
}

function status(world: World): LabReply {
  return json(200, {
    cluster: { peers: [], status: "disabled" },
    config: { original: "route:\n  receiver: selfheal\nreceivers:\n- name: selfheal\n" },
    uptime: world.time(world.startedAt),
    versionInfo: {
      branch: "lab",
      buildDate: "",
      buildUser: "",
      goVersion: "go1.19.8",
      revision: "lab",
      version: "0.25.0",
    },
  });
}

function create(world: World, request: LabRequest): LabReply {
  const body = parseJson(request.body);
  if (!isObject(body)) {
    const message = `parsing silence body from "" failed, because invalid character '${request.body.charAt(0)}' looking for beginning of value`;
    return json(400, { code: 400, message });
  }
  for (const field of ["comment", "createdBy", "endsAt", "startsAt", "matchers"]) {
    if (body[field] === undefined || body[field] === null || body[field] === "") {
      return json(422, { code: 602, message: `${field} in body is required` });
    }
  }
  const now = world.clock.wall(world.clock.now());
  const startsAt = Math.max(now, Date.parse(String(body["startsAt"])));
  const endsAt = Date.parse(String(body["endsAt"]));
  if (Number.isNaN(startsAt) || Number.isNaN(endsAt)) {
    return json(400, { code: 400, message: 'parsing silence body from "" failed, because parsing time failed' });
  }
  const matchers = silenceMatchers(body["matchers"]);
  if (matchers.length === 0) return json(422, { code: 612, message: "matchers in body should have at least 1 items" });
  if (endsAt < now) return json(400, "Failed to create silence: end time can't be in the past");
  if (endsAt < startsAt) return json(400, "Failed to create silence: start time must be before end time");
  const id = world.random.stream("silence", world.silences.size).uuid();
  const comment = String(body["comment"]);
  world.silences.set(id, {
    id,
    matchers,
    startsAt,
    endsAt,
    updatedAt: now,
    createdBy: String(body["createdBy"]),
    comment,
  });
  const host = matchers.find((each) => each.name === "host")?.value;
  const key = keyOf(comment);
  world.note({
    system: "alertmanager",
    what: "silence-created",
    ...(host !== undefined && { host }),
    ...(key !== undefined && { key }),
    detail: comment,
  });
  return json(200, { silenceID: id });
}

/** The caller's idempotency key, where the comment carries one: `… [selfheal <key>]`. */
function keyOf(comment: string): string | undefined {
  return /\[selfheal (\S+)\]$/.exec(comment)?.[1];
}

function silenceMatchers(value: unknown): LabSilence["matchers"] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).map((each) => ({
    name: String(each["name"]),
    value: String(each["value"]),
    isRegex: each["isRegex"] === true,
    isEqual: each["isEqual"] !== false,
  }));
}

function one(world: World, request: LabRequest, id: string): LabReply {
  if (!UUID.test(id)) {
    return json(422, { code: 601, message: `silenceID in path must be of type uuid: ${JSON.stringify(id)}` });
  }
  const silence = world.silences.get(id);
  if (request.method === "DELETE") {
    if (!silence) return json(500, "silence not found");
    const now = world.clock.wall(world.clock.now());
    if (silence.endsAt > now) {
      const host = silence.matchers.find((each) => each.name === "host")?.value;
      world.note({
        system: "alertmanager",
        what: "silence-expired",
        ...(host !== undefined && { host }),
        detail: silence.comment,
      });
      silence.endsAt = now;
      silence.updatedAt = now;
    }
    return { status: 200 };
  }
  return silence ? json(200, view(world, silence)) : { status: 404 };
}

function list(world: World, request: LabRequest): LabReply {
  const filters = filtersOf(request);
  if (typeof filters === "string") return json(400, filters);
  const found = [...world.silences.values()].filter((silence) =>
    filters.every((filter) => silence.matchers.some((each) => each.name === filter.label && filter.test(each.value))),
  );
  return json(
    200,
    found.map((silence) => view(world, silence)),
  );
}

/** A text is the error that Alertmanager answers. */
function filtersOf(request: LabRequest): Matcher[] | string {
  const filters: Matcher[] = [];
  for (const filter of request.query.getAll("filter")) {
    try {
      filters.push(
        ...parseMatchers(/["'`]/.test(filter) ? filter : filter.replace(/^(\w+)(=~|!~|!=|=)(.*)$/, '$1$2"$3"')),
      );
    } catch {
      return `bad matcher format: ${filter}`;
    }
  }
  return filters;
}

function view(world: World, silence: LabSilence): Record<string, unknown> {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    id: silence.id,
    status: { state: silenceState(world, silence) },
    updatedAt: iso(silence.updatedAt),
    comment: silence.comment,
    createdBy: silence.createdBy,
    endsAt: iso(silence.endsAt),
    matchers: silence.matchers,
    startsAt: iso(silence.startsAt),
  };
}

export function silenceState(world: World, silence: LabSilence): "active" | "pending" | "expired" {
  const now = world.clock.wall(world.clock.now());
  if (silence.endsAt <= now) return "expired";
  return silence.startsAt > now ? "pending" : "active";
}

/** Ids of the active silences that mute these labels. */
export function silencedBy(world: World, labels: Record<string, string>): string[] {
  return [...world.silences.values()]
    .filter((silence) => silenceState(world, silence) === "active")
    .filter((silence) =>
      silence.matchers.every((each) => {
        const equal = each.isEqual ? "=" : "!=";
        const test = matcher(each.name, each.isRegex ? (each.isEqual ? "=~" : "!~") : equal, each.value);
        return test.test(labels[each.name] ?? "");
      }),
    )
    .map((silence) => silence.id);
}

function alerts(world: World, request: LabRequest): LabReply {
  const filters = filtersOf(request);
  if (typeof filters === "string") return json(400, filters);
  const found = firingAlerts(world).filter((alert) =>
    filters.every((filter) => filter.test(alert.labels[filter.label] ?? "")),
  );
  return json(
    200,
    found.map((alert) => alertView(world, alert)),
  );
}

function alertView(world: World, alert: FiringAlert): Record<string, unknown> {
  const muted = silencedBy(world, alert.labels);
  const now = world.clock.wall(world.clock.now());
  return {
    annotations: alert.annotations,
    endsAt: new Date(now + 240_000).toISOString(),
    fingerprint: alert.fingerprint,
    receivers: [{ name: "selfheal" }],
    startsAt: alert.startsAt,
    status: { inhibitedBy: [], silencedBy: muted, state: muted.length > 0 ? "suppressed" : "active" },
    updatedAt: new Date(now).toISOString(),
    generatorURL: alert.generatorURL,
    labels: alert.labels,
  };
}
