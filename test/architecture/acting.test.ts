/** The effect wrapper is the only way to act: the lint rule fires on whoever goes around it. */
import { readFileSync } from "node:fs";
import { ESLint } from "eslint";
import { beforeAll, expect, test } from "vitest";
import { projectPath } from "../../src/config/project.ts";

const PORTS = readFileSync(projectPath("src/ports/ports.ts"), "utf8");
/** Methods of ports that change nothing but what people are told. Every other one must be marked `@acts`. */
const READS = [
  "measure",
  "scalar",
  "series",
  "range",
  "servers",
  "findByKey",
  "get",
  "getMany",
  "hasComment",
  "node",
  "nodes",
  "power",
];
// Telling people changes no target.
const MORE_READS = ["drives", "active", "held", "send", "post", "show", "look", "now", "after", "connect"];

let eslint: ESLint;
beforeAll(() => {
  eslint = new ESLint({ cwd: projectPath() });
});

/** What the rule says of a real file with something planted in it. */
async function found(file: string, planted: string): Promise<string[]> {
  const code = `${readFileSync(projectPath(file), "utf8")}\n${planted}\n`;
  const [result] = await eslint.lintText(code, { filePath: projectPath(file) });
  return (result?.messages ?? [])
    .filter(({ ruleId }) => ruleId === "selfheal/only-actions-act")
    .map(({ message }) => message.replace(/ changes.*/, ""));
}

const PORTS_TYPE = `import("../ports/ports.ts").Ports`;
const OPERATION = `import("../ports/action.ts").Operation<object>`;

test.each([
  [
    "a watcher that calls a port",
    "src/watchers/look.ts",
    `(p: ${PORTS_TYPE}) => p.bmc.setPower("s", "off")`,
    "BmcPort.setPower",
  ],
  [
    "a starter",
    "src/starters/gate.ts",
    `(p: ${PORTS_TYPE}) => p.provisioner.rebuild("n", "k", "i")`,
    "ProvisionerPort.rebuild",
  ],
  [
    "a command",
    "src/cli/doctor.ts",
    `(p: ${PORTS_TYPE}) => p.loadBalancer.setAdmin("p", "s", "drain")`,
    "LoadBalancerPort.setAdmin",
  ],
  ["under another name", "src/workers/compose.ts", `({ tickets: t }: ${PORTS_TYPE}) => t.open`, "TicketPort.open"],
  [
    "taken apart",
    "src/workers/compose.ts",
    `({ silences }: ${PORTS_TYPE}) => { const { expire } = silences; return expire; }`,
    "SilencePort.expire",
  ],
  ["by a string", "src/workers/compose.ts", `(p: ${PORTS_TYPE}) => p.bmc["setPower"]`, "BmcPort.setPower"],
  ["an operation run without the wrapper", "src/watchers/look.ts", `(o: ${OPERATION}) => o.apply`, "Operation.apply"],
  [
    "a port called by the wrapper itself",
    "src/activities/effects.ts",
    `(p: ${PORTS_TYPE}) => p.bmc.setPower("s", "off")`,
    "BmcPort.setPower",
  ],
])(
  "%s is refused",
  async (_, file, planted, member) => {
    expect(await found(file, `export const planted = ${planted};`)).toEqual([member]);
  },
  60_000,
);

test("reading is allowed, and an action may act", async () => {
  const reads = `export const planted = (p: ${PORTS_TYPE}) => p.bmc.power("s");`;
  expect(await found("src/watchers/look.ts", reads)).toEqual([]);
  const acts = `export const planted = (p: ${PORTS_TYPE}) => p.bmc.setPower("s", "off");`;
  expect(await found("src/activities/host.ts", acts)).toEqual([]);
}, 60_000);

test("every method of a port is marked `@acts` or is known to read", () => {
  const methods = [...PORTS.matchAll(/^ {2}(\w+)\??\((?!.*=>)/gm)].map(([, name = ""], index, all) => ({
    name,
    before: PORTS.slice(index === 0 ? 0 : (all[index - 1]?.index ?? 0), all[index]?.index),
  }));
  expect(methods.length).toBeGreaterThan(20);
  const unmarked = methods.filter(({ before }) => !before.split("\n").slice(-2).join("\n").includes("@acts"));
  expect(unmarked.map(({ name }) => name).filter((name) => ![...READS, ...MORE_READS].includes(name))).toEqual([]);
});
