/** Where calls come in, from sockets or from the same process: finds the system, lets the faults of the way strike. */
import type { Fault } from "./faults.ts";
import type { LabReply, LabRequest, Vendor } from "./request.ts";
import { json, text } from "./request.ts";
import { carry, type Carried } from "./transport.ts";
import { answerLine, changesLine, hostOfLine } from "./vendors/haproxy.ts";
import type { World } from "./world.ts";

export interface IncomingCall {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string;
}

/** `null`: the connection is cut. */
export type Delivery<T> = { kind: "answered"; answer: T; delayMs: number } | { kind: "cut" } | { kind: "hangs" };

export class Gateway {
  readonly #world: World;
  readonly #vendors: Vendor[];

  constructor(world: World, vendors: Vendor[]) {
    this.#world = world;
    this.#vendors = vendors;
  }

  http(call: IncomingCall): Delivery<LabReply> {
    const { pathname } = call.url;
    const vendor = this.#vendors.find(({ prefix }) => pathname === prefix || pathname.startsWith(`${prefix}/`));
    if (!vendor) return answered(index(this.#vendors, pathname));
    const request: LabRequest = {
      method: call.method,
      path: pathname.slice(vendor.prefix.length),
      query: call.url.searchParams,
      headers: call.headers,
      body: call.body,
      origin: call.url.origin,
    };
    const handle = (): LabReply => this.#handle(vendor, request);
    const write = vendor.changes?.(request) ?? (call.method !== "GET" && call.method !== "HEAD");
    const point = { system: vendor.system, host: vendor.hostOf?.(request) ?? null, write };
    const carried = carry(this.#world.faults, this.#world.clock, point, handle);
    if (carried.kind === "refused") return answered(refusal(carried.fault));
    return carried.kind === "answered" && carried.answer.cut ? { kind: "cut" } : carried;
  }

  /** One line of HAProxy's runtime API. It has no status codes: where others answer 5xx, it closes the connection. */
  haproxy(line: string): Delivery<string> {
    const point = { system: "haproxy", host: hostOfLine(line), write: changesLine(line) } as const;
    const carried: Carried<string> = carry(this.#world.faults, this.#world.clock, point, () =>
      answerLine(this.#world, line),
    );
    return carried.kind === "refused" ? { kind: "cut" } : carried;
  }

  #handle(vendor: Vendor, request: LabRequest): LabReply {
    try {
      return vendor.handle(request);
    } catch (error) {
      if (error instanceof URIError) return text(400, "Bad Request\n");
      this.#world.note({ system: vendor.system, what: "lab-error", detail: String(error) });
      return text(500, `the lab failed: ${String(error)}\n`);
    }
  }
}

function answered(answer: LabReply): Delivery<LabReply> {
  return { kind: "answered", answer, delayMs: 0 };
}

function index(vendors: Vendor[], pathname: string): LabReply {
  const systems = Object.fromEntries(vendors.map(({ system, prefix }) => [system, prefix]));
  return pathname === "/"
    ? json(200, { lab: "selfheal", systems })
    : json(404, { error: `no such system: ${pathname}`, systems });
}

function refusal(fault: Fault): LabReply {
  if (fault.name === "rate-limited") {
    return json(fault.status ?? 429, { error: "rate limited" }, { "retry-after": String(fault.retryAfterS ?? 1) });
  }
  return text(fault.status ?? 503, "<html><body><h1>503 Service Unavailable</h1></body></html>\n");
}
