// @ts-check
/**
 * Type-aware lint with zero warnings. The rules of the layers (who imports whom) are dependency-cruiser's
 * (.dependency-cruiser.cjs); here is what a single file must not do.
 */
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { onlyActionsAct } from "./scripts/lint-acting.js";

/** @typedef {{ selector: string, message: string }} Restriction */

/** @type {Restriction[]} */
const EVERYWHERE = [
  { selector: "ExportAllDeclaration", message: "Name what you export: `export *` hides where things come from." },
  { selector: "TSEnumDeclaration", message: "Use a union of literals." },
];
/** @type {Restriction} */
const NO_ENV = {
  selector:
    ":matches(MemberExpression[object.name='process']:matches([property.name='env'], [property.value='env']), ImportDeclaration[source.value=/^(node:)?process$/])",
  message: "Only src/config/env.ts reads the environment: ask it, or take what you need as an argument.",
};
/** @type {Restriction[]} */
const NO_CLOCK = [
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: "Time comes from outside: the database's `now`, or the clock of `Outside`.",
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: "Time comes from outside: the database's `now`, or the clock of `Outside`.",
  },
];
/** @type {Restriction} */
const NO_CHANCE = {
  selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
  message: "Chance comes from outside, so that a run can be repeated.",
};
/** @type {Restriction[]} */
const SYNCHRONOUS = [
  { selector: ":function[async=true]", message: "Policy is pure and synchronous: facts come in as arguments." },
  { selector: "AwaitExpression", message: "Policy is pure and synchronous: facts come in as arguments." },
];
/** @type {Restriction} */
const STABLE_ID = {
  selector: "ImportSpecifier[imported.name='uuid4']",
  message: "A reset changes it: ids come with the start input or the signal (design §3 law 3).",
};
/**
 * A replay must decide as the run did, and the server leaves out what is not registered any more.
 * @type {Restriction}
 */
const START_ATTRIBUTES = {
  selector: "Identifier[name=/^(typedS|s)earchAttributes$/]",
  message: "What the server says a run was started with changes: keep what the workflow itself wrote (attributes.ts).",
};

/**
 * @param {Restriction[]} more
 * @returns {["error", ...Restriction[]]}
 */
const restrict = (...more) => ["error", ...EVERYWHERE, ...more];

export default defineConfig(
  { ignores: ["node_modules/", "dist/", ".cache/", "coverage/", "**/*.cjs"] },
  { linterOptions: { reportUnusedDisableDirectives: "error", reportUnusedInlineConfigs: "error" } },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "max-lines": ["error", 400],
      eqeqeq: "error",
      "no-restricted-syntax": restrict(),
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      "@typescript-eslint/return-await": ["error", "error-handling-correctness-only"],
      "@typescript-eslint/no-deprecated": "error",
    },
  },
  {
    files: ["src/**/*.ts"],
    plugins: { selfheal: { rules: { "only-actions-act": onlyActionsAct } } },
    rules: {
      "selfheal/only-actions-act": "error",
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "no-console": "error",
      "no-restricted-syntax": restrict(NO_ENV),
    },
  },
  { files: ["src/config/env.ts"], rules: { "no-restricted-syntax": restrict() } },
  {
    files: ["src/policy/**/*.ts"],
    rules: { "no-restricted-syntax": restrict(NO_ENV, NO_CHANCE, ...NO_CLOCK, ...SYNCHRONOUS) },
  },
  { files: ["src/catalogue/**/*.ts"], rules: { "no-restricted-syntax": restrict(NO_ENV, NO_CHANCE, ...NO_CLOCK) } },
  {
    files: ["src/adapters/**/*.ts", "src/activities/**/*.ts"],
    rules: {
      "no-restricted-syntax": restrict(NO_ENV, NO_CHANCE, ...NO_CLOCK),
      // What the simulator and the tests put in its place comes with `Outside`.
      "no-restricted-globals": ["error", "fetch", "WebSocket", "XMLHttpRequest"],
    },
  },
  {
    // The files that define actions. A new one needs its line here.
    files: [
      "src/activities/{host,loadbalancer,monitoring,provisioner,tickets}.ts",
      // Of no single remediation: its own discipline of intent, key and reading back stands in it.
      "src/activities/lessons/problems.ts",
    ],
    rules: { "selfheal/only-actions-act": "off" },
  },
  { files: ["src/activities/effects.ts"], rules: { "selfheal/only-actions-act": ["error", { allow: ["Operation"] }] } },
  {
    // The sandbox makes Date and Math.random deterministic; uuid4 it changes at a reset.
    files: ["src/workflows/**/*.ts", "src/contracts/**/*.ts"],
    rules: { "no-restricted-syntax": restrict(NO_ENV, STABLE_ID, START_ATTRIBUTES) },
  },
  {
    files: ["test/**/*.ts", "bench/**/*.ts"],
    rules: {
      // Fakes of asynchronous interfaces often have nothing to wait for.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
    },
  },
);
