/** What the lab's own tests share. */
import { connect } from "node:net";
import { afterEach } from "vitest";
import { manualClock } from "../../src/lab/clock.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { type Lab, startLab } from "../../src/lab/lab.ts";
import { LAB_TOKEN, type LabOptions } from "../../src/lab/types.ts";

const started: Lab[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((lab) => lab.stop()));
});

/** Ten hosts (web-1 to web-6, api-1 to api-3, db-1) on a manual clock; stopped after the test. */
export async function lab(options: Partial<LabOptions> & { failing?: string[] } = {}): Promise<Lab> {
  const { failing = [], ...rest } = options;
  const seed = options.seed ?? 7;
  const started_ = await startLab({
    seed,
    hosts: makeFleet({ count: 10, seed, failing }),
    clock: manualClock(),
    ...rest,
  });
  started.push(started_);
  return started_;
}

/** One line to HAProxy's runtime API. Rejects when the connection is cut before an answer. */
export function haproxy(lab: Lab, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(lab.haproxy.port, lab.haproxy.host);
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => (answer += chunk));
    socket.on("error", reject);
    socket.on("close", () => (answer === "" ? reject(new Error("closed without an answer")) : resolve(answer)));
    socket.write(`${line}\n`);
  });
}

/** Rows of `show stat` by `<pool>/<server>`. */
export async function stat(lab: Lab): Promise<Record<string, Record<string, string>>> {
  const [header = "", ...lines] = (await haproxy(lab, "show stat")).replace(/^# /, "").trim().split("\n");
  const columns = header.split(",");
  const rows = lines.map((line) => Object.fromEntries(line.split(",").map((value, at) => [columns[at] ?? "", value])));
  return Object.fromEntries(rows.map((row) => [`${row["pxname"]}/${row["svname"]}`, row]));
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed when it is JSON, else the text. */
  body: unknown;
}

/** What lies at that path of a vendor's JSON; undefined when there is nothing. */
export function dig(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Record<string | number, unknown> | null | undefined)?.[name], value);
}

/** The same, where a list must be. */
export function listAt(value: unknown, ...path: (string | number)[]): unknown[] {
  const list = dig(value, ...path);
  if (!Array.isArray(list)) throw new Error(`no list at ${path.join(".")} of ${JSON.stringify(value)}`);
  return list;
}

/** The same, where a text must be. */
export function textAt(value: unknown, ...path: (string | number)[]): string {
  const text = dig(value, ...path);
  if (typeof text !== "string") throw new Error(`no text at ${path.join(".")} of ${JSON.stringify(value)}`);
  return text;
}

export async function call(url: string, init: RequestInit & { json?: unknown } = {}): Promise<Answer> {
  const { json, ...rest } = init;
  const headers = new Headers(rest.headers);
  if (json !== undefined) headers.set("content-type", "application/json");
  const response = await fetch(url, { ...rest, headers, ...(json !== undefined && { body: JSON.stringify(json) }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function rt(lab: Lab, path: string, init: RequestInit & { json?: unknown } = {}): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (!headers.has("authorization")) headers.set("authorization", `token ${LAB_TOKEN}`);
  return call(`${lab.url}/rt/REST/2.0${path}`, { ...init, headers });
}

/** Opens a ticket for the first disk of the host; the key is optional. Returns its id. */
export async function orderSwap(lab: Lab, host: string, key = `r/replace/${host}`): Promise<number> {
  const disk = lab.world.host(host).disks[0];
  const json = {
    Queue: "datacenter",
    Subject: `Replace disk of ${host}`,
    Content: `Host: ${host}\nBay: ${disk?.slot}\nSerial: ${disk?.serial}`,
    ContentType: "text/plain",
    CustomFields: { selfheal_key: key },
  };
  const answer = await rt(lab, "/ticket", { method: "POST", json });
  if (answer.status !== 201) throw new Error(`ticket: ${answer.status} ${JSON.stringify(answer.body)}`);
  return Number(dig(answer.body, "id"));
}

export function ironic(lab: Lab, path: string, init: RequestInit & { json?: unknown } = {}): Promise<Answer> {
  return call(`${lab.url}/ironic${path}`, { ...init, headers: { "X-OpenStack-Ironic-API-Version": "1.81" } });
}

/** Notes the key, sets the image and asks for the rebuild. Returns the status. */
export async function orderRebuild(lab: Lab, host: string, key = `r/replace/${host}`): Promise<number> {
  const json = [
    { op: "add", path: "/extra/selfheal", value: { key } },
    { op: "add", path: "/instance_info/image_source", value: lab.world.host(host).image },
  ];
  await ironic(lab, `/v1/nodes/${host}`, { method: "PATCH", json });
  return (await ironic(lab, `/v1/nodes/${host}/states/provision`, { method: "PUT", json: { target: "rebuild" } }))
    .status;
}

export async function query(
  lab: Lab,
  promql: string,
): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
  const answer = await call(`${lab.url}/prometheus/api/v1/query?query=${encodeURIComponent(promql)}`);
  if (answer.status !== 200) throw new Error(`query: ${answer.status} ${JSON.stringify(answer.body)}`);
  return listAt(answer.body, "data", "result") as { metric: Record<string, string>; value: [number, string] }[];
}

export const HOUR = 3_600_000;
export const MINUTE = 60_000;
