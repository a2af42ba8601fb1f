/** Redfish: power and drives of each machine. Shapes of sushy-tools 2.2; drives as in the DMTF mock-ups. */
import { bayOf, type Host } from "../host.ts";
import type { Machines } from "../machines.ts";
import type { LabReply, LabRequest, Vendor } from "../request.ts";
import { isObject, json, parseJson, segments } from "../request.ts";
import type { World } from "../world.ts";

const ROOT = "/redfish/v1";
const STORAGE = "1";
const RESETS: Record<string, "on" | "off" | "restart"> = {
  On: "on",
  ForceOn: "on",
  ForceOff: "off",
  GracefulShutdown: "off",
  GracefulRestart: "restart",
  ForceRestart: "restart",
  PowerCycle: "restart",
};

export function redfish(world: World, machines: Machines): Vendor {
  return {
    system: "redfish",
    prefix: "/redfish",
    hostOf: (request) => findSystem(world, segments(request.path)[2] ?? "")?.id ?? null,
    handle: (request) => {
      const [version, collection, id, ...rest] = segments(request.path);
      if (version === undefined) return json(200, { v1: `${ROOT}/` });
      if (version !== "v1") return failed(404, "Not found");
      if (collection === undefined) return json(200, serviceRoot());
      if (collection !== "Systems") return failed(404, `The resource ${request.path} was not found`);
      if (id === undefined) return json(200, systems(world));
      const host = findSystem(world, id);
      return host ? ofSystem(machines, request, host, rest) : failed(404, `Fake system ${id} was not found`);
    },
  };
}

/** By id, or by the host's name, which real controllers do not know but people at a terminal do. */
function findSystem(world: World, id: string): Host | null {
  return world.hosts.get(id) ?? [...world.hosts.values()].find((host) => host.systemId === id) ?? null;
}

function ofSystem(machines: Machines, request: LabRequest, host: Host, path: string[]): LabReply {
  const [part, id, drives, driveId] = path;
  if (part === undefined) return json(200, system(host));
  if (part === "Actions" && id === "ComputerSystem.Reset" && request.method === "POST")
    return reset(machines, request, host);
  if (part !== "Storage") return failed(404, "Not found");
  if (id === undefined) return json(200, storages(host));
  if (id !== STORAGE) return failed(404, "Not found");
  if (drives === undefined) return json(200, storage(host));
  const found = host.disks.find((disk) => driveIdOf(disk) === driveId);
  return drives === "Drives" && found ? json(200, drive(host, found)) : failed(404, "Not found");
}

function reset(machines: Machines, request: LabRequest, host: Host): LabReply {
  const body = parseJson(request.body);
  const type = isObject(body) ? String(body["ResetType"]) : "";
  const to = RESETS[type];
  if (!to) return failed(501, `Power state ${type} is not supported`);
  machines.reset(host, to);
  return { status: 204 };
}

function serviceRoot(): Record<string, unknown> {
  return {
    "@odata.type": "#ServiceRoot.v1_5_0.ServiceRoot",
    Id: "LabService",
    Name: "Lab Redfish Service",
    RedfishVersion: "1.5.0",
    UUID: "85775665-c110-4b85-8989-e6162170b3ec",
    Systems: { "@odata.id": `${ROOT}/Systems` },
    "@odata.id": `${ROOT}/`,
  };
}

function systems(world: World): Record<string, unknown> {
  const members = [...world.hosts.values()].map((host) => ({ "@odata.id": `${ROOT}/Systems/${host.systemId}` }));
  return {
    "@odata.type": "#ComputerSystemCollection.ComputerSystemCollection",
    Name: "Computer System Collection",
    "Members@odata.count": members.length,
    Members: members,
    "@odata.context": `${ROOT}/$metadata#ComputerSystemCollection.ComputerSystemCollection`,
    "@odata.id": `${ROOT}/Systems`,
  };
}

function system(host: Host): Record<string, unknown> {
  const self = `${ROOT}/Systems/${host.systemId}`;
  return {
    "@odata.type": "#ComputerSystem.v1_13_0.ComputerSystem",
    Id: host.systemId,
    Name: host.id,
    HostName: host.fqdn,
    UUID: host.systemId,
    Manufacturer: "Lab",
    Status: { State: "Enabled", Health: worstHealth(host), HealthRollUp: worstHealth(host) },
    PowerState: powerState(host),
    Storage: { "@odata.id": `${self}/Storage` },
    Actions: {
      "#ComputerSystem.Reset": {
        target: `${self}/Actions/ComputerSystem.Reset`,
        "ResetType@Redfish.AllowableValues": Object.keys(RESETS),
      },
    },
    "@odata.context": `${ROOT}/$metadata#ComputerSystem.ComputerSystem`,
    "@odata.id": self,
  };
}

/** The standard's words while a reset is under way. */
function powerState(host: Host): string {
  if (host.powerTarget !== null && host.powerTarget !== host.power) {
    return host.powerTarget === "on" ? "PoweringOn" : "PoweringOff";
  }
  return host.power === "on" ? "On" : "Off";
}

function storages(host: Host): Record<string, unknown> {
  const self = `${ROOT}/Systems/${host.systemId}/Storage`;
  return {
    "@odata.type": "#StorageCollection.StorageCollection",
    Name: "Storage Collection",
    "Members@odata.count": 1,
    Members: [{ "@odata.id": `${self}/${STORAGE}` }],
    "@odata.context": `${ROOT}/$metadata#StorageCollection.StorageCollection`,
    "@odata.id": self,
  };
}

function storage(host: Host): Record<string, unknown> {
  const self = `${ROOT}/Systems/${host.systemId}/Storage/${STORAGE}`;
  return {
    "@odata.type": "#Storage.v1_4_0.Storage",
    Id: STORAGE,
    Name: "Local Storage Controller",
    Status: { State: "Enabled", Health: worstHealth(host), HealthRollup: worstHealth(host) },
    Drives: host.disks.map((disk) => ({ "@odata.id": `${self}/Drives/${driveIdOf(disk)}` })),
    "Drives@odata.count": host.disks.length,
    "@odata.context": `${ROOT}/$metadata#Storage.Storage`,
    "@odata.id": self,
  };
}

function drive(host: Host, disk: Host["disks"][number]): Record<string, unknown> {
  return {
    "@odata.type": "#Drive.v1_4_0.Drive",
    Id: driveIdOf(disk),
    Name: `Drive in ${bayOf(disk)}`,
    Model: disk.model,
    Manufacturer: "Contoso",
    SerialNumber: disk.serial,
    Status: { State: "Enabled", Health: disk.failing ? "Critical" : "OK" },
    FailurePredicted: disk.failing,
    MediaType: "SSD",
    Protocol: "SATA",
    CapacityBytes: 960_197_124_096,
    PhysicalLocation: {
      PartLocation: { ServiceLabel: bayOf(disk), LocationType: "Bay", LocationOrdinalValue: disk.slot },
    },
    "@odata.context": `${ROOT}/$metadata#Drive.Drive`,
    "@odata.id": `${ROOT}/Systems/${host.systemId}/Storage/${STORAGE}/Drives/${driveIdOf(disk)}`,
  };
}

function driveIdOf(disk: { slot: number }): string {
  return `Disk.Bay.${disk.slot}`;
}

function worstHealth(host: Host): string {
  return host.disks.some((disk) => disk.failing) ? "Critical" : "OK";
}

function failed(status: number, message: string): LabReply {
  const info = { "@odata.type": "/redfish/v1/$metadata#Message.1.0.0.Message", MessageId: "Base.1.0.GeneralError" };
  return json(status, { error: { code: "Base.1.0.GeneralError", message, "@Message.ExtendedInfo": [info] } });
}
