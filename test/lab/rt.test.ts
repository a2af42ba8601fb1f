import { describe, expect, it } from "vitest";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { dig, lab, listAt, orderSwap, rt, textAt } from "./support.ts";

const json = {
  Queue: "datacenter",
  Subject: "disk web-1",
  Content: "serial X1",
  CustomFields: { selfheal_key: "a/b/c" },
};

describe("Request Tracker's REST 2", () => {
  it("lets nobody in without a token that it knows", async () => {
    const dc = await lab();
    expect(await rt(dc, "/rt", { headers: { authorization: "token nope" } })).toMatchObject({
      status: 401,
      body: { message: "Unauthorized" },
    });
    expect(await rt(dc, "/rt")).toMatchObject({ status: 200, body: { Version: expect.stringContaining("5.0") } });
  });

  it("opens a ticket with its key and gives it back", async () => {
    const dc = await lab();
    const opened = await rt(dc, "/ticket", { method: "POST", json });
    expect(opened).toMatchObject({
      status: 201,
      body: { id: "1", type: "ticket", _url: `${dc.url}/rt/REST/2.0/ticket/1` },
    });
    const { body } = await rt(dc, "/ticket/1");
    expect(body).toMatchObject({
      id: 1,
      Status: "new",
      Subject: "disk web-1",
      Owner: { id: "Nobody" },
      Queue: { type: "queue", id: "2" },
    });
    expect(dig(body, "CustomFields")).toEqual([expect.objectContaining({ name: "selfheal_key", values: ["a/b/c"] })]);
    expect(dig(body, "Created")).toBe("2027-01-04T08:00:00Z");
    expect(dc.world.tickets.byKey("a/b/c")).toHaveLength(1);
  });

  it.each([
    [{ Subject: "x" }, 400, "Could not create ticket. Queue not set"],
    [{ Queue: "nope" }, 403, "No permission to create tickets in the queue 'nope'"],
  ])("refuses %j", async (body, status, message) => {
    expect(await rt(await lab(), "/ticket", { method: "POST", json: body })).toMatchObject({
      status,
      body: { message },
    });
  });

  it("drops custom fields that the queue does not have, without a word", async () => {
    const dc = await lab();
    await rt(dc, "/ticket", { method: "POST", json: { ...json, CustomFields: { other: "x" } } });
    expect(dig((await rt(dc, "/ticket/1")).body, "CustomFields", 0, "values")).toEqual([]);
  });

  it("changes the status with messages; a second time and a wrong word are 200 too", async () => {
    const dc = await lab();
    await rt(dc, "/ticket", { method: "POST", json });
    const put = (Status: string): Promise<unknown> =>
      rt(dc, "/ticket/1", { method: "PUT", json: { Status } }).then(({ body }) => body);
    expect(await put("resolved")).toEqual(["Ticket 1: Status changed from 'new' to 'resolved'"]);
    expect(await put("resolved")).toEqual([]);
    expect(await put("bogus")).toEqual(["Ticket 1: Status 'bogus' isn't a valid status for this ticket."]);
    expect((await rt(dc, "/ticket/9", { method: "PUT", json: { Status: "resolved" } })).status).toBe(404);
    expect((await rt(dc, "/ticket/9")).body).toEqual({ message: "Not Found" });
  });

  it("keeps comments in the history and their text in attachments", async () => {
    const dc = await lab();
    await rt(dc, "/ticket", { method: "POST", json });
    const comment = await rt(dc, "/ticket/1/comment", {
      method: "POST",
      json: { Subject: "mark-1", Content: "key k1: hello", ContentType: "text/plain" },
    });
    expect(comment).toMatchObject({ status: 201, body: ["Comments added"] });
    await rt(dc, "/ticket/1/correspond", { method: "POST", body: "reply", headers: { "content-type": "text/plain" } });
    const history = (await rt(dc, "/ticket/1/history?fields=Type,Content,Data")).body;
    expect(listAt(history, "items").map((item) => dig(item, "Type"))).toEqual([
      "Create",
      "Comment",
      "Correspond",
      "Status",
    ]);
    expect(dig(history, "items", 1)).toMatchObject({ Content: "", Data: "mark-1" });
    const attachments = (await rt(dc, "/ticket/1/attachments?fields=Content")).body;
    expect(listAt(attachments, "items").map((item) => dig(item, "Content"))).toEqual([
      "serial X1",
      "key k1: hello",
      "reply",
    ]);
    expect(dc.world.tickets.get(1)?.status).toBe("open");
  });

  it("finds tickets by id, key, queue, status and subject", async () => {
    const dc = await lab();
    await rt(dc, "/ticket", { method: "POST", json });
    await rt(dc, "/ticket", {
      method: "POST",
      json: { ...json, Queue: "General", Subject: "other", CustomFields: {} },
    });
    const find = async (sql: string): Promise<string[]> => {
      const { body } = await rt(dc, `/tickets?query=${encodeURIComponent(sql)}&fields=Status,Subject`);
      return listAt(body, "items").map((item) => textAt(item, "id"));
    };
    expect(await find("id = 1 OR id = 2 OR id = 99")).toEqual(["1", "2"]);
    expect(await find("'CF.{selfheal_key}' = 'a/b/c'")).toEqual(["1"]);
    expect(await find("CF.{selfheal_key} = 'nope'")).toEqual([]);
    expect(await find("Queue = 'datacenter' AND Status = 'new'")).toEqual(["1"]);
    expect(await find("(Subject LIKE 'DISK' OR Subject LIKE 'oth') AND Status != 'resolved'")).toEqual(["1", "2"]);
    expect(await rt(dc, "/tickets?query=Nofield+%3D+1")).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("Unknown field: Nofield") },
    });
    expect((await rt(dc, "/tickets?query=bogus+%3D%3D%3D")).status).toBe(400);
  });

  it("pages a search", async () => {
    const dc = await lab();
    for (let i = 0; i < 3; i++) await rt(dc, "/ticket", { method: "POST", json });
    const first = (await rt(dc, "/tickets?query=Queue+%3D+'datacenter'&per_page=2")).body;
    expect(first).toMatchObject({
      count: 2,
      total: 3,
      per_page: 2,
      page: 1,
      pages: 2,
      next_page: expect.stringContaining("page=2"),
    });
    const second = (
      await rt(dc, "/tickets?query=Queue+%3D+'datacenter'&per_page=2&page=2&fields=Status&fields[Queue]=Name")
    ).body;
    expect(second).toMatchObject({
      count: 1,
      page: 2,
      prev_page: expect.any(String),
      items: [{ id: "3", type: "ticket", Status: "new" }],
    });
  });

  it("knows its queues", async () => {
    const dc = await lab();
    expect(await rt(dc, "/queue/datacenter")).toMatchObject({ status: 200, body: { id: 2, Name: "datacenter" } });
    expect((await rt(dc, "/queue/nope")).status).toBe(404);
  });

  it("tells a webhook of each change when it is given one", async () => {
    const received: unknown[] = [];
    const server = createServer((request, response) => {
      void text(request).then((body) => (received.push(JSON.parse(body)), response.end()));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const dc = await lab({
      tickets: { webhookUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hint` },
    });
    await orderSwap(dc, "web-1");
    await dc.idle();
    server.close();
    expect(received).toEqual([{ ticket: 1, status: "new", transaction: { id: 1, type: "Create" } }]);
  });
});

describe("keys of tickets", () => {
  it("are known from the custom field and from the text", async () => {
    const dc = await lab();
    await rt(dc, "/ticket", {
      method: "POST",
      json: { ...json, CustomFields: {}, Content: "swap\n\n-- \nselfheal effect: r1/replace/dc" },
    });
    expect(dc.world.tickets.byKey("r1/replace/dc").map(({ id, host }) => [id, host])).toEqual([[1, "web-1"]]);
    expect(dc.world.log).toMatchObject([{ what: "ticket-created", key: "r1/replace/dc", host: "web-1" }]);
  });
});
