/** One truth: what `npm run production` starts natively is what the compose file and the image say. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import {
  DEFAULT_PORTS,
  HANDED_ON,
  imageEnv,
  PARTS,
  type Places,
  SECRET_FILES,
  SELFHEAL_DATABASE,
  SELFHEAL_ROLE,
  serveArgs,
  serveEnv,
  STOP_WITHIN_MS,
  TEMPORAL_ROLE,
  withoutOurs,
  workerArgs,
  workerEnv,
} from "../../src/cli/production/topology.ts";
import { childEnv } from "../../src/config/env.ts";
import { projectPath } from "../../src/config/project.ts";
import { NAMESPACE, RETENTION_HOURS, TEMPORAL_DATABASES } from "../../src/workers/temporal-server-config.ts";
import { TEMPORAL_UI_VERSION, TEMPORAL_VERSION } from "../../src/workers/temporal-server-tools.ts";

interface Service {
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  stop_grace_period?: string;
  depends_on?: Record<string, unknown>;
}
const read = (...path: string[]): string => readFileSync(projectPath(...path), "utf8");
const { services } = parse(read("docker-compose.temporal.yml"), { merge: true }) as {
  services: Record<string, Service>;
};
const service = (name: string): Service => services[name] ?? expect.fail(`the compose file has no ${name}`);

/** The places of the topology inside the containers. */
const inContainers: Places = {
  secrets: "/secrets",
  temporalAddress: "temporal:7233",
  namespace: NAMESPACE,
  config: "${SELFHEAL_CONFIG:+/config}",
  logLevel: "${SELFHEAL_LOG_LEVEL:-info}",
  uiUrl: `http://127.0.0.1:\${TEMPORAL_UI_PORT:-${DEFAULT_PORTS.ui}}`,
};

test("the same parts, each after what it needs", () => {
  // `secrets` is a script that ends: makeSecrets runs the same one.
  expect(
    Object.keys(services)
      .filter((name) => name !== "secrets")
      .sort(),
  ).toEqual([...PARTS].sort());
  for (const [index, name] of PARTS.entries()) {
    const needed = Object.keys(service(name).depends_on ?? {}).filter((one) => one !== "secrets");
    expect(PARTS.slice(0, index), name).toEqual(expect.arrayContaining(needed));
  }
});

test("the same versions of Temporal and its Web UI", () => {
  expect(service("temporal").image).toBe(`temporalio/auto-setup:${TEMPORAL_VERSION}`);
  expect(service("temporal-ui").image).toBe(`temporalio/ui:${TEMPORAL_UI_VERSION}`);
});

test("the same command lines of API and worker", () => {
  expect(service("serve").command).toEqual(serveArgs({ host: "0.0.0.0", port: 8080 }));
  expect(service("worker").command).toEqual(workerArgs(8080));
});

test("the same environment of API and worker, and of the image", () => {
  const handedOn = Object.fromEntries(HANDED_ON.map((name) => [name, `\${${name}:-}`]));
  expect(service("serve").environment).toEqual({ ...serveEnv(inContainers), ...handedOn });
  expect(service("worker").environment).toEqual({ ...workerEnv(inContainers), ...handedOn });
  const [, set = ""] = /^ENV ((?:.*\\\n)*.*)$/m.exec(read("Dockerfile")) ?? [];
  const image = Object.fromEntries(set.split(/\s+\\?\s*/).map((one) => one.split("=") as [string, string]));
  const { SELFHEAL_NODE: _, ...rest } = image;
  const { SELFHEAL_WORKFLOW_BUNDLE: __, ...ours } = imageEnv("dist/workflow-bundle.js");
  expect(ours).toEqual(rest);
});

test("the same ports on the host, and as much time for a clean stop", () => {
  expect(service("serve").ports).toEqual([`127.0.0.1:\${SELFHEAL_PORT:-${DEFAULT_PORTS.api}}:8080`]);
  expect(service("temporal").ports).toEqual([`127.0.0.1:\${TEMPORAL_PORT:-${DEFAULT_PORTS.temporal}}:7233`]);
  expect(service("temporal-ui").ports).toEqual([`127.0.0.1:\${TEMPORAL_UI_PORT:-${DEFAULT_PORTS.ui}}:8080`]);
  expect(service("serve").stop_grace_period).toBe(`${STOP_WITHIN_MS.serve / 1000}s`);
  expect(service("worker").stop_grace_period).toBe(`${STOP_WITHIN_MS.worker / 1000}s`);
});

test("the same namespace, roles and databases", () => {
  expect(service("temporal").environment).toMatchObject({
    DEFAULT_NAMESPACE: NAMESPACE,
    DEFAULT_NAMESPACE_RETENTION: `${RETENTION_HOURS}h`,
    POSTGRES_USER: TEMPORAL_ROLE,
  });
  // The image's own names, which its environment would change.
  expect(service("temporal").environment).not.toHaveProperty("DBNAME");
  expect(service("temporal").environment).not.toHaveProperty("VISIBILITY_DBNAME");
  expect(service("temporal").environment).not.toHaveProperty("NUM_HISTORY_SHARDS");
  expect(TEMPORAL_DATABASES).toEqual({ default: "temporal", visibility: "temporal_visibility" });
  const sql = read("docker", "init-postgres.sh");
  expect(sql).toContain(`CREATE ROLE ${SELFHEAL_ROLE} LOGIN PASSWORD :'password';`);
  expect(sql).toContain(`CREATE DATABASE ${SELFHEAL_DATABASE} OWNER ${SELFHEAL_ROLE};`);
});

test("the secret files are those that docker/make-secrets.sh makes", () => {
  const script = read("docker", "make-secrets.sh");
  const [, made = ""] = /for name in (.*); do/.exec(script) ?? [];
  expect([...made.split(" "), "database_url"].sort()).toEqual(Object.values(SECRET_FILES).sort());
});

test("nothing of the caller's environment reaches selfheal but where traces go, and everything else does", () => {
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://x:4318", SELFHEAL_TRACE_URL: "http://x/{traceId}" };
  const ours = { DATABASE_URL: "postgres://x/y", SELFHEAL_API_TOKEN_FILE: "/x", TEMPORAL_API_KEY: "k" };
  expect(childEnv(withoutOurs(), { ...ours, ...traced, RT_TOKEN: "t" })).toEqual({ ...traced, RT_TOKEN: "t" });
});
