import { z } from "zod";
import type { Outside, ProvisionedNode, ProvisionerPort } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { Guarded } from "../guarded.ts";
import { httpJson, type HttpJson } from "../http.ts";
import { asNode, FIELDS, node as nodeShape, nodeList, NOTE_CHANGED_AT, NOTE_KEY, type IronicNode } from "./answers.ts";

export interface IronicOptions {
  /** The API's root, without `/v1`. */
  url: string;
  /** A Keystone token; left out for an Ironic without authentication. */
  token?: Secret | undefined;
  outside: Outside;
  timeoutMs?: number;
}

/** Bare-metal API version that has all we read (Ironic 21.4, 2023.1, and later). */
const API_VERSION = "1.81";
/** Up to so many nodes are asked one by one; for more the whole list is read. */
const FEW = 4;
const PAGE = 1_000;

/** OpenStack Ironic. Nodes by name or uuid. */
export function ironic(options: IronicOptions): ProvisionerPort {
  const { outside, url, token, timeoutMs = 10_000 } = options;
  const guarded = new Guarded({ system: "ironic", clock: outside.clock, timeoutMs, secrets: token ? [token] : [] });
  const headers = (): Record<string, string> => ({
    "x-openstack-ironic-api-version": API_VERSION,
    ...(token ? { "x-auth-token": token.reveal() } : {}),
  });
  const http = httpJson({ guarded, fetch: outside.fetch, url: url.replace(/\/v1\/?$/, ""), headers });

  return {
    async node(name) {
      const raw = await read(http, name);
      return raw === null ? null : asNode(raw, name);
    },
    async nodes(names) {
      if (names.length <= FEW) {
        const some = await Promise.all(names.map((name) => read(http, name)));
        return some.flatMap((raw, i) => (raw === null ? [] : [asNode(raw, names[i] ?? raw.uuid)]));
      }
      const wanted = new Set(names);
      const all = await list(http);
      return all.flatMap((raw): ProvisionedNode[] => {
        const name = [raw.name, raw.uuid].find((one) => typeof one === "string" && wanted.has(one));
        return name ? [asNode(raw, name)] : [];
      });
    },
    async rebuild(name, key, image) {
      const raw = await read(http, name);
      if (raw === null) throw guarded.fail("permanent", "rebuild", `there is no node ${name}`);
      const before = asNode(raw, name);
      if (before.state === "busy") {
        const why = `node ${name} is busy (${before.rawState})`;
        throw guarded.fail(before.noted?.key === key ? "ambiguous" : "permanent", "rebuild", why);
      }
      await note(http, before, key, image);
      await submit(http, before, key);
    },
  };
}

const path = (name: string): string => `/v1/nodes/${encodeURIComponent(name)}`;

function read(http: HttpJson, name: string): Promise<IronicNode | null> {
  const call = { operation: "node", kind: "read", method: "GET", path: path(name), query: { fields: FIELDS } } as const;
  return http<IronicNode | null>({ ...call, accept: nodeShape, on: { 404: () => null } });
}

async function list(http: HttpJson): Promise<IronicNode[]> {
  const all: IronicNode[] = [];
  for (let marker: string | undefined; ;) {
    const query = { fields: FIELDS, limit: String(PAGE), ...(marker ? { marker } : {}) };
    const call = { operation: "nodes", kind: "read", method: "GET", path: "/v1/nodes", query } as const;
    const page = await http({ ...call, accept: nodeList });
    all.push(...page.nodes);
    marker = page.nodes.at(-1)?.uuid;
    if (!page.next || marker === undefined) return all;
  }
}

/** Written before the rebuild is asked for: a rebuild that happened is always noted. Repeating it does no harm. */
async function note(http: HttpJson, before: ProvisionedNode, key: string, image: string): Promise<void> {
  const body = [
    { op: "add", path: `/extra/${NOTE_KEY}`, value: key },
    { op: "add", path: `/extra/${NOTE_CHANGED_AT}`, value: before.changedAt ?? "" },
    { op: "add", path: "/instance_info/image_source", value: image },
  ];
  await http({
    operation: "note rebuild",
    // Not the effect itself: whatever became of it, it may be sent again.
    kind: "read",
    method: "PATCH",
    path: path(before.node),
    body,
    accept: z.unknown(),
    on: { 409: locked },
  });
}

async function submit(http: HttpJson, before: ProvisionedNode, key: string): Promise<void> {
  // When our key stood there before, the lock may be that of our own rebuild.
  const again = before.noted?.key === key;
  await http({
    operation: "rebuild",
    kind: "write",
    method: "PUT",
    path: `${path(before.node)}/states/provision`,
    body: { target: "rebuild" },
    accept: z.unknown(),
    on: {
      409: (answer) => {
        throw answer.fail(again ? "ambiguous" : "transient");
      },
    },
  });
}

/** Ironic locks a node while a conductor works on it: the request was refused and may pass later. */
function locked(answer: { fail(failure: "transient"): Error }): never {
  throw answer.fail("transient");
}
