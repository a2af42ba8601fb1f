/**
 * Ironic's bare metal API (39, microversions to 1.115), the part that a rebuild needs. Wrong states are 400 and a
 * locked node is 409, as the real one answers; `rebuild` without an image is its 500.
 */
import type { Host } from "../host.ts";
import type { Machines } from "../machines.ts";
import type { LabReply, LabRequest, Vendor } from "../request.ts";
import { isObject, json, parseJson, segments } from "../request.ts";
import type { World } from "../world.ts";
import { applyPatch, PatchError } from "./json-patch.ts";

const PREFIX = "/ironic";
const MIN = "1.1";
const MAX = "1.115";
/** What a client that names no version gets: it cannot name nodes by their names. */
const DEFAULT = "1.1";
const NAMES_SINCE = 5;

interface Call {
  world: World;
  machines: Machines;
  request: LabRequest;
  base: string;
  /** The 81 of 1.81. */
  minor: number;
}

export function ironic(world: World, machines: Machines): Vendor {
  return {
    system: "ironic",
    prefix: PREFIX,
    hostOf: (request) => findNode(world, segments(request.path)[2] ?? "", true)?.id ?? null,
    handle: (request) => {
      const asked = request.headers["x-openstack-ironic-api-version"] ?? DEFAULT;
      const version = asked === "latest" ? MAX : asked;
      const minor = Number(/^1\.(\d+)$/.exec(version)?.[1] ?? NaN);
      const headers = {
        "x-openstack-ironic-api-minimum-version": MIN,
        "x-openstack-ironic-api-maximum-version": MAX,
        "openstack-request-id": `req-${world.random.stream("ironic-request", requestNumber(world)).uuid()}`,
      };
      if (!(minor >= 1 && minor <= 115))
        return { ...notAcceptable(version), headers: { "content-type": "application/json", ...headers } };
      const reply = route({ world, machines, request, minor, base: `${request.origin}${PREFIX}` });
      return { ...reply, headers: { ...reply.headers, ...headers, "x-openstack-ironic-api-version": version } };
    },
  };
}

const requests = new WeakMap<World, number>();
function requestNumber(world: World): number {
  const number = (requests.get(world) ?? 0) + 1;
  requests.set(world, number);
  return number;
}

function route(call: Call): LabReply {
  const { method } = call.request;
  const [version, resource, id, part, action] = segments(call.request.path);
  if (version === undefined) return json(200, root(call));
  if (version !== "v1") return failed(404, "Not Found");
  if (resource === undefined)
    return json(200, { id: "v1", ...links(call, "/v1/"), version: root(call)["default_version"] });
  if (resource !== "nodes") return failed(404, "Not Found");
  if (id === undefined) return list(call, false);
  if (id === "detail") return list(call, true);
  const host = findNode(call.world, id, call.minor >= NAMES_SINCE);
  if (!host) return failed(404, `Node ${id} could not be found.`);
  if (part === undefined && method === "GET") return json(200, only(call, view(call, host)));
  if (part === undefined && method === "PATCH") return patch(call, host, id);
  if (part === "states" && action === undefined) return json(200, states(call, host));
  if (part === "states" && action === "provision" && method === "PUT") return provision(call, host, id);
  return failed(method === "GET" ? 404 : 405, "Not Found");
}

function root(call: Call): Record<string, unknown> {
  const version = { id: "v1", ...links(call, "/v1/"), status: "CURRENT", min_version: MIN, version: MAX };
  const description =
    "Ironic is an OpenStack project which enables the provision and management of baremetal machines.";
  return { name: "OpenStack Ironic API", description, default_version: version, versions: [version] };
}

function provision(call: Call, host: Host, id: string): LabReply {
  const body = parseJson(call.request.body);
  const target = isObject(body) ? String(body["target"]) : "";
  const { state, reserved, instanceInfo, extra } = host.provision;
  const may = target === "rebuild" && (state === "active" || state === "deploy failed");
  if (reserved) {
    return failed(
      409,
      `Node ${host.nodeUuid} is locked by host lab-conductor, please retry after the current operation is completed.`,
    );
  }
  if (!may) {
    return failed(
      400,
      `The requested action "${target}" can not be performed on node "${host.nodeUuid}" while it is in state "${state}".`,
    );
  }
  const image = instanceInfo["image_source"];
  if (typeof image !== "string" || image === "") {
    return failed(500, "cannot access local variable 'auto_lessee' where it is not associated with a value", "Server");
  }
  call.machines.rebuild(host, keyIn(extra));
  return { status: 202, headers: { location: `${call.base}/v1/nodes/${id}/states` } };
}

/** The caller's idempotency key, wherever it put it: a member that is called so, or one of an object. */
function keyIn(extra: Record<string, unknown>): string | undefined {
  for (const [name, value] of Object.entries(extra)) {
    if (isObject(value) && typeof value["key"] === "string") return value["key"];
    if (name.includes("key") && typeof value === "string") return value;
  }
  return undefined;
}

function patch(call: Call, host: Host, id: string): LabReply {
  const body = parseJson(call.request.body);
  if (!Array.isArray(body)) return failed(400, `Schema error for patch: ${call.request.body} is not of type 'array'`);
  if (host.provision.target !== null && host.provision.state !== "deploy failed") {
    return failed(409, `Node ${id} can not be updated while a state transition is in progress.`);
  }
  try {
    const patched = applyPatch({ extra: host.provision.extra, instance_info: host.provision.instanceInfo }, body);
    host.provision.extra = patched["extra"] as Record<string, unknown>;
    host.provision.instanceInfo = patched["instance_info"] as Record<string, unknown>;
    host.provision.updatedAt = call.world.clock.now();
  } catch (error) {
    if (error instanceof PatchError) return failed(400, error.message);
    throw error;
  }
  const key = keyIn(host.provision.extra);
  call.world.note({ system: "ironic", what: "node-patched", host: host.id, ...(key !== undefined && { key }) });
  return json(200, view(call, host));
}

function list(call: Call, detail: boolean): LabReply {
  const limit = Number(call.request.query.get("limit") ?? 1000) || 1000;
  const marker = call.request.query.get("marker");
  const state = call.request.query.get("provision_state");
  const all = [...call.world.hosts.values()].filter((host) => state === null || host.provision.state === state);
  const from = marker === null ? 0 : all.findIndex((host) => host.nodeUuid === marker) + 1;
  const shown = all.slice(from, from + limit);
  const nodes = shown.map((host) => {
    const full = view(call, host);
    if (detail || call.request.query.has("fields")) return only(call, full);
    const { uuid, instance_uuid, maintenance, power_state, provision_state, name, links } = full;
    return { uuid, instance_uuid, maintenance, power_state, provision_state, name, links };
  });
  const last = shown.at(-1);
  const next =
    last && from + limit < all.length
      ? `${call.base}/v1/nodes${detail ? "/detail" : ""}?limit=${limit}&marker=${last.nodeUuid}`
      : null;
  return json(200, { nodes, ...(next !== null && { next }) });
}

function only(call: Call, node: Record<string, unknown>): Record<string, unknown> {
  const fields = call.request.query.get("fields")?.split(",");
  if (!fields) return node;
  return Object.fromEntries(Object.entries(node).filter(([name]) => fields.includes(name) || name === "links"));
}

function view(call: Call, host: Host): Record<string, unknown> {
  const { provision } = host;
  const time = (labMs: number): string => call.world.time(labMs).replace("Z", "000+00:00");
  return {
    uuid: host.nodeUuid,
    created_at: time(call.world.startedAt),
    updated_at: time(provision.updatedAt),
    name: host.id,
    ...states(call, host),
    provision_updated_at: time(provision.changedAt),
    instance_info: provision.instanceInfo,
    driver_internal_info: provision.driverInternalInfo,
    extra: provision.extra,
    driver: "redfish",
    driver_info: { redfish_address: call.request.origin, redfish_system_id: `/redfish/v1/Systems/${host.systemId}` },
    properties: { capabilities: "boot_mode:uefi" },
    resource_class: host.role,
    maintenance: false,
    maintenance_reason: null,
    fault: null,
    instance_uuid: null,
    reservation: provision.reserved ? "lab-conductor" : null,
    conductor: "lab-conductor",
    protected: false,
    retired: false,
    traits: [],
    ...links(call, `/v1/nodes/${host.nodeUuid}`),
  };
}

function states(_call: Call, host: Host): Record<string, unknown> {
  return {
    power_state: host.power === "on" ? "power on" : "power off",
    target_power_state: null,
    provision_state: host.provision.state,
    target_provision_state: host.provision.target,
    last_error: host.provision.lastError,
  };
}

function findNode(world: World, id: string, byName: boolean): Host | null {
  const named = byName ? world.hosts.get(id) : undefined;
  return named ?? [...world.hosts.values()].find((host) => host.nodeUuid === id) ?? null;
}

function links(call: Call, path: string): { links: unknown[] } {
  const bookmark = path.replace("/v1/", "/");
  return {
    links: [
      { href: `${call.base}${path}`, rel: "self" },
      { href: `${call.base}${bookmark}`, rel: "bookmark" },
    ],
  };
}

/** The error body is JSON in a text in JSON, as it is. */
function failed(status: number, faultstring: string, faultcode: "Client" | "Server" = "Client"): LabReply {
  return json(status, { error_message: JSON.stringify({ faultcode, faultstring, debuginfo: null }) });
}

function notAcceptable(version: string): LabReply {
  const description = `Mutually exclusive versions requested. Version ${version} requested but not supported by this service. The supported version range is: [${MIN}, ${MAX}].`;
  return json(406, { error_message: JSON.stringify({ code: 406, title: "Not Acceptable", description }) });
}
