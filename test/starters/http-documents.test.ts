import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import type { OpenApi } from "../../src/starters/http/openapi.ts";
import { sharedApi } from "./support/server.ts";

const it = await sharedApi();
const document = async (): Promise<OpenApi> => (await (await fetch(`${it.server.url}/openapi.json`)).json()) as OpenApi;

describe("/openapi.json", () => {
  test("describes every route, each with its own id, a role, and what it answers", async () => {
    const { paths, openapi } = await document();
    const all = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(openapi).toBe("3.1.0");
    expect(new Set(all.map((one) => one["operationId"])).size).toBe(all.length);
    for (const one of all) {
      expect(one["x-role"]).toMatch(/^(viewer|operator|approver|admin|source|signed|public)$/);
      expect(Object.keys(one["responses"] as object)).toContainEqual(expect.stringMatching(/^(200|202|303)$/));
    }
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        "/v1/alerts",
        "/v1/alerts/alertmanager",
        "/v1/events",
        "/v1/events/tickets/request-tracker",
        "/v1/remediations/{id}/approve",
        "/v1/remediations/{id}/story",
        "/v1/leases",
      ]),
    );
  });

  test("has schemas that are valid JSON Schema, and no reference into nowhere", async () => {
    const made = await document();
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    for (const [name, schema] of Object.entries(made.components.schemas)) {
      expect(() => ajv.compile({ ...schema, components: made.components }), name).not.toThrow();
    }
    const references = [...JSON.stringify(made.paths).matchAll(/#\/components\/schemas\/(\w+)/g)].map(
      ([, name]) => name,
    );
    expect(references.filter((name) => made.components.schemas[name ?? ""] === undefined)).toEqual([]);
  });

  test("asks for a token everywhere but at the service's own addresses and where Slack signs", async () => {
    const { paths } = await document();
    const open = Object.entries(paths).flatMap(([path, methods]) =>
      Object.values(methods).some((one) => (one["security"] as unknown[]).length === 0) ? [path] : [],
    );
    // Slack's requests are signed, which no bearer token is (chat.test.ts).
    expect(open.sort()).toEqual(["/docs", "/healthz", "/metrics", "/openapi.json", "/readyz", "/v1/chat/slack"]);
    for (const [path, methods] of Object.entries(paths)) {
      if (open.includes(path)) continue;
      for (const method of Object.keys(methods)) {
        const response = await fetch(it.server.url + path.replace("{id}", "x"), { method: method.toUpperCase() });
        expect([path, method, response.status]).toEqual([path, method, 401]);
      }
    }
  });
});

test("every list answers as it is described, when there is nothing in it", async () => {
  for (const path of [
    "remediations",
    "alerts",
    "pauses",
    "queue",
    "leases",
    "breakers",
    "left-out",
    "holds",
    "catalogue",
    "audit",
  ]) {
    expect([path, (await it.api(`/v1/${path}`)).status]).toEqual([path, 200]);
  }
});

test("/docs shows every operation without a script or another host", async () => {
  const response = await fetch(`${it.server.url}/docs`);
  const page = await response.text();
  expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(page).not.toMatch(/<script|src="http|href="http/);
  for (const [path, methods] of Object.entries((await document()).paths)) {
    for (const method of Object.keys(methods))
      expect(page).toContain(`<b>${method.toUpperCase()}</b> <code>${path}</code>`);
  }
});

test("no other site may read anything: there is no CORS", async () => {
  const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
  const preflight = await fetch(`${it.server.url}/v1/pauses`, { method: "OPTIONS", headers });
  expect(preflight.status).toBe(405);
  const read = await fetch(`${it.server.url}/healthz`, { headers });
  expect([...preflight.headers.keys(), ...read.headers.keys()].filter((name) => name.startsWith("access-"))).toEqual(
    [],
  );
});
