/** Pure decisions about drives. What is not certain is unknown: a wrong answer costs somebody a good disk. */
import type { Observation } from "../ports/action.ts";
import type { Drive } from "../ports/ports.ts";
import { failed, happened, unknown } from "./define.ts";

type Pick = { ok: true; drive: Drive; why: string } | { ok: false; why: string };

const isFailing = (drive: Drive): boolean =>
  drive.health === "critical" || drive.health === "warning" || drive.failurePredicted === true;
const same = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();
const list = (drives: Drive[]): string => drives.map((one) => `${one.slot} (${one.serial || "no serial"})`).join(", ");

/** The failing drive. Its serial is never empty, and no other drive has it. */
export function pickDrive(drives: Drive[], device: string | undefined): Pick {
  const candidate = candidateOf(drives, device);
  if (!candidate.ok) return candidate;
  const { drive } = candidate;
  if (drive.serial.trim() === "") return { ok: false, why: `the drive in slot ${drive.slot} has no serial number` };
  if (drives.filter((one) => same(one.serial, drive.serial)).length > 1) {
    return { ok: false, why: `more than one drive says that its serial number is ${drive.serial}` };
  }
  return candidate;
}

function candidateOf(drives: Drive[], device: string | undefined): Pick {
  if (drives.length === 0) return { ok: false, why: "the BMC lists no drives" };
  const failing = drives.filter(isFailing);
  const meant = drives.filter(
    (one) => device !== undefined && [one.id, one.slot, one.serial].some((name) => same(name, device)),
  );
  if (meant.length > 1) return { ok: false, why: `${device} names more than one drive: ${list(meant)}` };
  if (meant[0]) {
    const others = failing.filter((one) => one !== meant[0]);
    if (others.length > 0) return { ok: false, why: `${device} is meant, but the BMC says that ${list(others)} fails` };
    return { ok: true, drive: meant[0], why: `it is ${device}` };
  }
  // The operating system's name of a drive (`sda`) says nothing to a BMC: then only one possible drive is certain.
  if (failing.length > 1) return { ok: false, why: `more than one drive fails: ${list(failing)}` };
  if (failing[0]) return { ok: true, drive: failing[0], why: "the only one that fails" };
  if (drives.length > 1) return { ok: false, why: `no drive fails by the BMC: ${list(drives)}` };
  return drives[0] ? { ok: true, drive: drives[0], why: "the only one there is" } : { ok: false, why: "no drive" };
}

/** Happened only with proof: the old one gone from every slot, a healthy one with another serial in its place. */
export function assertReplaced(drives: Drive[], oldSerial: string, slot: string | undefined): Observation {
  if (drives.length === 0) return unknown("the BMC lists no drives");
  const old = drives.find((one) => same(one.serial, oldSerial));
  if (old) return failed(`the old drive ${oldSerial} is still there, in slot ${old.slot}`);
  const nameless = drives.find((one) => one.serial.trim() === "");
  if (nameless) return unknown(`the drive in slot ${nameless.slot} has no serial number: it may be the old one`);
  const inPlace = slot === undefined ? drives : drives.filter((one) => same(one.slot, slot));
  if (inPlace.length === 0) return failed(`no drive is in slot ${slot}; there are: ${list(drives)}`);
  const sick = inPlace.find(isFailing);
  if (sick) return failed(`the drive ${sick.serial} in slot ${sick.slot} is not healthy (${sick.health})`);
  const unsure = inPlace.find((one) => one.health === "unknown");
  if (unsure) return unknown(`the BMC does not know the health of ${unsure.serial} in slot ${unsure.slot}`);
  const found = inPlace[0];
  if (found === undefined || inPlace.length > 1) {
    return slot === undefined
      ? happened(`${oldSerial} is gone and every drive is healthy: ${list(drives)}`, {
          serial: found?.serial ?? "",
          slot: found?.slot ?? "",
        })
      : unknown(`more than one drive is in slot ${slot}`);
  }
  return happened(`${found.serial} is in slot ${found.slot}, healthy, and ${oldSerial} is gone`, {
    serial: found.serial,
    slot: found.slot,
  });
}
