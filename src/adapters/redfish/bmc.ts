import { z } from "zod";
import type { BmcPort, Drive, Outside } from "../../ports/ports.ts";
import { Secret } from "../../ports/secret.ts";
import { Guarded } from "../guarded.ts";
import { httpJson, type HttpJson } from "../http.ts";
import { asDrive, collection, drive, storage, system as systemShape } from "./answers.ts";

export interface RedfishOptions {
  /** Of a BMC, or of what aggregates many. */
  url: string;
  user?: string | undefined;
  password?: Secret | undefined;
  outside: Outside;
  timeoutMs?: number;
}

interface Place {
  guarded: Guarded;
  http: HttpJson;
  path: string;
}

/**
 * Redfish. A system is named by its id (`1`), its path (`/redfish/v1/Systems/1`), or, where every machine has a BMC
 * of its own, by its whole URL (`https://bmc-web-1/redfish/v1/Systems/1`): the user and password are sent there too,
 * so such URLs must come from an inventory that is trusted.
 */
export function redfish(options: RedfishOptions): BmcPort {
  const locate = locator(options);
  const powerState = async (place: Place, operation: string) => {
    const { PowerState, Actions } = await get(place, operation, place.path, systemShape);
    const power = POWER[PowerState ?? ""];
    if (power) return { power, reset: Actions?.["#ComputerSystem.Reset"]?.target };
    throw place.guarded.fail("transient", operation, `${place.path} says PowerState ${PowerState ?? "nothing"}`);
  };

  return {
    power: async (system) => (await powerState(locate(system), "power")).power,
    async setPower(system, to) {
      const place = locate(system);
      const { power, reset } = await powerState(place, "set power");
      if (power === to) return;
      const path = local(place, "set power", reset ?? `${place.path}/Actions/ComputerSystem.Reset`);
      const body = { ResetType: to === "on" ? "On" : "ForceOff" };
      await place.http({
        operation: "set power",
        kind: "write",
        method: "POST",
        path,
        body,
        accept: z.unknown(),
        plain: true,
      });
    },
    async drives(system) {
      const place = locate(system);
      const links = new Set<string>();
      const { Storage } = await get(place, "drives", place.path, systemShape);
      if (!Storage) throw place.guarded.fail("permanent", "drives", `${place.path} names no Storage`);
      for (const path of await members(place, Storage["@odata.id"])) {
        const controller = await get(place, "drives", path, storage);
        for (const one of controller.Drives) links.add(local(place, "drives", one["@odata.id"]));
      }
      const all = await Promise.all([...links].map((path) => readDrive(place, path)));
      return all.filter((one) => one !== null);
    },
  };
}

function get<T>({ http }: Place, operation: string, path: string, accept: z.ZodType<T>): Promise<T> {
  return http({ operation, kind: "read", method: "GET", path, accept });
}

const MOST_PAGES = 50;

/** Of every page: a drive that is not shown would be taken for gone. */
async function members(place: Place, first: string): Promise<string[]> {
  const all: string[] = [];
  let next: string | undefined = first;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const path = local(place, "drives", next);
    const read: z.infer<typeof collection> = await get(place, "drives", path, collection);
    all.push(...read.Members.map((member) => local(place, "drives", member["@odata.id"])));
    next = read["Members@odata.nextLink"];
    if (next === undefined) return all;
  }
  throw place.guarded.fail("permanent", "drives", `${first} has more than ${MOST_PAGES} pages`);
}

const POWER: Record<string, "on" | "off" | "changing"> = {
  On: "on",
  Off: "off",
  PoweringOn: "changing",
  PoweringOff: "changing",
};

function readDrive({ http }: Place, path: string): Promise<Drive | null> {
  // Between the list and this question a drive can be pulled.
  const on = { 404: () => null };
  return http<Drive | null>({
    operation: "drives",
    kind: "read",
    method: "GET",
    path,
    accept: drive.transform(asDrive),
    on,
  });
}

/** Links are followed only within the service, so that no answer can send the password elsewhere. */
function local(place: Place, operation: string, link: string): string {
  if (link.startsWith("/redfish/")) return link;
  throw place.guarded.fail("permanent", operation, `the link ${link} does not lie below /redfish/`);
}

/** Every BMC has its own bulkhead and breaker: a dead one says nothing about the others. */
function locator(options: RedfishOptions): (system: string) => Place {
  const { outside, user, password, timeoutMs = 10_000 } = options;
  const login = password ? `${user ?? ""}:${password.reveal()}` : null;
  const secrets = login && password ? [password, new Secret(login)] : [];
  const places = new Map<string, Omit<Place, "path">>();
  const at = (url: string): Omit<Place, "path"> => {
    const known = places.get(url);
    if (known) return known;
    const guarded = new Guarded({ system: "redfish", clock: outside.clock, timeoutMs, secrets });
    const headers = (): Record<string, string> =>
      login ? { authorization: `Basic ${Buffer.from(login).toString("base64")}` } : {};
    const place = { guarded, http: httpJson({ guarded, fetch: outside.fetch, url, headers }) };
    places.set(url, place);
    return place;
  };
  return (system) => {
    if (/^https?:\/\//.test(system) && URL.canParse(system)) {
      const url = new URL(system);
      return { ...at(url.origin), path: url.pathname.replace(/\/+$/, "") };
    }
    const path = system.startsWith("/redfish/") ? system : `/redfish/v1/Systems/${encodeURIComponent(system)}`;
    return { ...at(options.url), path };
  };
}
