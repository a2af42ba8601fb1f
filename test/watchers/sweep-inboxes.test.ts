/** Alerts that were delivered to a run which is gone: sent again to a new one, and to no other. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { faultKey } from "../../src/contracts/ids.ts";
import { admitted, aPlan, closing, received } from "../record/builders.ts";
import { alertFor } from "../starters/support/bodies.ts";
import { codes, SweepRig } from "./sweep-support.ts";

let rig: SweepRig;
beforeEach(async () => {
  rig = await SweepRig.create();
});
afterEach(() => rig.db.drop());

describe("an alert that a workflow took and ended without taking it up", () => {
  const fingerprint = "lost";
  /** Received and delivered now, as the starter does it. */
  const delivered = async (): Promise<void> => {
    const one = received(alertFor("web-1", { fingerprint }));
    await rig.record.receive([one]);
    await rig.record.markDelivered([{ faultKey: faultKey(one.alert), status: "firing" }]);
  };
  const sentAgain = (): number =>
    rig.remediations.signals.filter(({ message }) => message.alert.fingerprint === fingerprint).length;

  test("is sent again to a new run, ever more rarely while nothing comes of it, and paged then", async () => {
    await delivered();
    rig.temporal.ended("heal:host:web-1");
    const sent: number[] = [];
    for (const minutes of [1, 3, 4, 8, 9, 18, 40, 43, 48, 54]) {
      await rig.at(minutes);
      await rig.sweep();
      sent.push(sentAgain());
    }
    expect(sent).toEqual([0, 1, 1, 2, 2, 3, 4, 4, 4, 4]);
    expect(rig.pages().map((page) => page.title)).toEqual([expect.stringContaining("ALERTS_LOST")]);
  });

  test.each<[string, () => Promise<unknown> | void]>([
    ["whose workflow runs", () => rig.temporal.runs("heal:host:web-1")],
    ["whose target has an open remediation", () => admitted(rig.record, aPlan({ target: "web-1" }))],
    [
      "that was taken up",
      async () => {
        const faults = [faultKey(alertFor("web-1", { fingerprint }))];
        await admitted(rig.record, aPlan({ target: "web-1" }), { faults }).then((id) =>
          rig.record.close(closing(id, { faults })),
        );
      },
    ],
    [
      "that has ended",
      () => rig.record.receive([received({ ...alertFor("web-1", { fingerprint }), status: "resolved" })]),
    ],
  ])("%s is left alone", async (_name, change) => {
    await delivered();
    rig.temporal.ended("heal:host:web-1");
    await change();
    for (const minutes of [5, 30]) {
      await rig.at(minutes);
      expect(codes(await rig.sweep())).not.toContain("ALERTS_LOST");
    }
    expect(sentAgain()).toBe(0);
  });

  test("is not looked for while Temporal is away", async () => {
    await delivered();
    rig.temporal.away = true;
    await rig.at(5);
    expect((await rig.sweep()).failures).toContainEqual(expect.stringMatching(/^inboxes: /));
    expect(sentAgain()).toBe(0);
  });
});
