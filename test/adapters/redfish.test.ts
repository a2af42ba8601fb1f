import { describe, expect, it } from "vitest";
import { redfish } from "../../src/adapters/redfish/bmc.ts";
import { httpStub, outside, type Reply } from "./support.ts";

const STORAGE = "/redfish/v1/Systems/1/Storage";
const link = (path: string) => ({ "@odata.id": path });
const drive = (Id: string) => ({ Id, SerialNumber: `S-${Id}`, Status: { Health: "OK", State: "Enabled" } });

describe("redfish", () => {
  it("lists the drives of every page: one that was not shown would be taken for gone", async () => {
    const answers: Record<string, object> = {
      "/redfish/v1/Systems/1": { PowerState: "On", Storage: link(STORAGE) },
      [STORAGE]: { Members: [link(`${STORAGE}/A`)], "Members@odata.nextLink": `${STORAGE}?$skip=1` },
      [`${STORAGE}?$skip=1`]: { Members: [link(`${STORAGE}/B`)] },
      [`${STORAGE}/A`]: { Drives: [link(`${STORAGE}/A/Drives/0`)] },
      [`${STORAGE}/B`]: { Drives: [link(`${STORAGE}/B/Drives/1`)] },
      [`${STORAGE}/A/Drives/0`]: drive("0"),
      [`${STORAGE}/B/Drives/1`]: drive("1"),
    };
    const stub = await httpStub(({ url }): Reply => {
      const body = answers[url];
      return body === undefined ? { status: 404 } : { body };
    });
    const drives = await redfish({ url: stub.url, outside }).drives("1");
    stub.close();
    expect(drives.map(({ serial }) => serial)).toEqual(["S-0", "S-1"]);
  });

  it("does not follow pages for ever", async () => {
    const stub = await httpStub(({ url }): Reply => {
      if (url === "/redfish/v1/Systems/1") return { body: { PowerState: "On", Storage: link(STORAGE) } };
      return { body: { Members: [], "Members@odata.nextLink": url } };
    });
    await expect(redfish({ url: stub.url, outside }).drives("1")).rejects.toMatchObject({ failure: "permanent" });
    stub.close();
  });
});
