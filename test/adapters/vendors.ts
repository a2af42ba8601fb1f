/** Every vendor's calls, as the failure tables use them: what is called, and which request of it misbehaves. */
import { alertmanager } from "../../src/adapters/alertmanager/silences.ts";
import { ironic } from "../../src/adapters/ironic/provisioner.ts";
import { redfish } from "../../src/adapters/redfish/bmc.ts";
import { requestTracker } from "../../src/adapters/request-tracker/tickets.ts";
import { pagerduty } from "../../src/adapters/pagerduty/events.ts";
import { incomingWebhook } from "../../src/adapters/slack/incoming-webhook.ts";
import { slackApp } from "../../src/adapters/slack/web-api.ts";
import { webhook } from "../../src/adapters/webhook/channel.ts";
import type { Posting } from "../../src/ports/ports.ts";
import { Secret } from "../../src/ports/secret.ts";
import { outside, type Reply, type Seen } from "./support.ts";

const SECRET = "s3cr3t/T0ken+x";
const WEBHOOK = "T0xYz12AbCdEf";

export interface VendorCall {
  name: string;
  call(url: string): Promise<unknown>;
  /** The request that is the effect (or the read) itself; all others are answered well. */
  meant(request: Seen): boolean;
  well(request: Seen): Reply;
  /** false: the body of a good answer is not looked at. */
  readsBody: boolean;
  /** What no error may show. */
  secrets: string[];
}

const TOKEN = [SECRET, encodeURIComponent(SECRET)];
const LOGIN = [...TOKEN, Buffer.from(`admin:${SECRET}`).toString("base64")];

const secret = new Secret(SECRET);
const common = { outside };
const rt = (url: string) => requestTracker({ url, token: secret, ...common });
const baremetal = (url: string) => ironic({ url, token: secret, ...common });
const bmc = (url: string) => redfish({ url, user: "admin", password: secret, ...common });
const silences = (url: string) => alertmanager({ url, ...common });
const chat = (url: string) => incomingWebhook({ url: new Secret(`${url}/services/B01/${WEBHOOK}/`), ...common });

const ticket = { body: { id: 7, Subject: "x", Status: "new" } };
const node = { body: { uuid: "u", name: "web-1", provision_state: "active", provision_updated_at: null, extra: {} } };
const system = { body: { PowerState: "On", Storage: { "@odata.id": "/redfish/v1/Systems/1/Storage" } } };
const silence = {
  body: {
    id: "a",
    status: { state: "active" },
    matchers: [],
    comment: "",
    createdBy: "",
    startsAt: "",
    endsAt: "",
  },
};
const get = (request: Seen): boolean => request.method === "GET";
const notGet = (request: Seen): boolean => request.method !== "GET";

const times = { startsAt: "2026-01-01T00:00:00Z", endsAt: "2026-01-01T01:00:00Z" };
const newSilence = { matchers: { host: "web-1" }, ...times, key: "k", comment: "c" };
const newTicket = { key: "k", queue: "q", subject: "s", body: "b" };

const POSTING: Posting = {
  ...{ key: "k", route: "page", title: "t", text: "x", source: "web-1" },
  severity: "critical",
  standing: null,
};

export const WRITES: VendorCall[] = [
  {
    name: "request-tracker open",
    call: (url) => rt(url).open(newTicket),
    meant: notGet,
    well: () => ({}),
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "request-tracker comment",
    call: (url) => rt(url).comment("7", "k", "text"),
    meant: notGet,
    well: () => ({ body: { items: [] } }),
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "request-tracker set status",
    call: (url) => rt(url).setStatus("7", "resolved", "k", "text"),
    meant: (request) => request.method === "PUT",
    well: (request) =>
      request.url.includes("history") ? { body: { items: [] } } : get(request) ? ticket : { body: [] },
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "ironic rebuild",
    call: (url) => baremetal(url).rebuild("web-1", "k", "image"),
    meant: (request) => request.method === "PUT",
    well: () => node,
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "redfish set power",
    call: (url) => bmc(url).setPower("1", "off"),
    meant: notGet,
    well: () => system,
    readsBody: false,
    secrets: LOGIN,
  },
  {
    name: "alertmanager create",
    call: (url) => silences(url).create(newSilence),
    meant: notGet,
    well: () => ({}),
    readsBody: true,
    secrets: [],
  },
  {
    name: "alertmanager expire",
    call: (url) => silences(url).expire("a"),
    meant: notGet,
    well: () => silence,
    readsBody: false,
    secrets: [],
  },
  {
    name: "slack post",
    call: (url) => chat(url).post(POSTING, null),
    meant: notGet,
    well: () => ({}),
    readsBody: false,
    secrets: [WEBHOOK],
  },
  {
    name: "slack-app post",
    call: (url) => slackApp({ url, token: secret, channel: "C01", ...common }).post(POSTING, null),
    meant: notGet,
    well: () => ({}),
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "webhook post",
    call: (url) => webhook({ url: new Secret(`${url}/hooks/${WEBHOOK}`), hmac: secret, ...common }).post(POSTING, null),
    meant: notGet,
    well: () => ({}),
    readsBody: false,
    secrets: [...TOKEN, WEBHOOK],
  },
];

const storage = { body: { Members: [{ "@odata.id": "/redfish/v1/Systems/1/Storage/1" }] } };

export const READS: VendorCall[] = [
  {
    // The key makes a repeat harmless, so nothing of it is ever in doubt.
    name: "pagerduty trigger",
    call: (url) => pagerduty({ url, routingKey: secret, ...common }).post(POSTING, null),
    meant: notGet,
    well: () => ({}),
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "request-tracker get",
    call: (url) => rt(url).get("7"),
    meant: get,
    well: () => ({}),
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "request-tracker find",
    call: (url) => rt(url).findByKey("k"),
    meant: get,
    well: () => ({}),
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "request-tracker many",
    call: (url) => rt(url).getMany(["7"]),
    meant: get,
    well: () => ({}),
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "ironic node",
    call: (url) => baremetal(url).node("web-1"),
    meant: get,
    well: () => ({}),
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "ironic nodes",
    call: (url) => baremetal(url).nodes(["a", "b", "c", "d", "e"]),
    meant: get,
    well: () => ({}),
    readsBody: true,
    secrets: TOKEN,
  },
  {
    name: "redfish power",
    call: (url) => bmc(url).power("1"),
    meant: get,
    well: () => ({}),
    readsBody: true,
    secrets: LOGIN,
  },
  {
    name: "redfish drives",
    call: (url) => bmc(url).drives("1"),
    meant: (request) => request.url.endsWith("/Storage/1"),
    well: (request) => (request.url.endsWith("/Storage") ? storage : system),
    readsBody: true,
    secrets: LOGIN,
  },
  {
    name: "alertmanager find",
    call: (url) => silences(url).findByKey("k"),
    meant: get,
    well: () => ({}),
    readsBody: true,
    secrets: [],
  },
];
