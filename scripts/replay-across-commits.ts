/**
 * `npm run replay:across`: does what is in flight survive this commit, and its rollback? (design §3 law 11) The working
 * tree counts as this commit. Its workflow code replays the histories of the commit before, and the code of the commit
 * before replays this commit's histories. A commit message says where they need not, in a trailer:
 *
 *   Histories: re-recorded    nothing that is in flight is guarded (before 1.0 only): neither way is tried
 *   Histories: no rollback    a path is versioned with `patched`: the old code cannot know it, only forward is tried
 */
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { historyFromJSON } from "@temporalio/common/lib/proto-utils.js";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { messageOf } from "../src/config/user-error.ts";

const HISTORIES = "test/replay/histories";
/** What a bundle is made of. */
const CODE = ["src/workflows", "src/contracts", "package-lock.json"];
/** What building it needs beside that. */
const PARTS = ["src", "package.json", "tsconfig.json"];
const TRAILER = "Histories";

export type Plan =
  { run: false; why: string } | { run: true; base: string; forward: boolean; back: boolean; why: string };

/** What to do in the repository at `root`. */
export function planOf(root: string): Plan {
  const git = gitIn(root);
  if (git("rev-parse", "--is-inside-work-tree") === null) return skip("this is not a git checkout");
  const paths = [...CODE, HISTORIES];
  const dirty = git("status", "--porcelain", "--", ...paths) !== "";
  const base = git("rev-parse", "--verify", "--quiet", dirty ? "HEAD" : "HEAD~1");
  if (base === null) return skip("the commit before this one is not here (a first commit, or a shallow clone)");
  if (git("cat-file", "-e", `${base}:${HISTORIES}`) === null)
    return skip("the commit before this one has no histories");
  const changed = (...at: string[]): boolean => changedSince(git, base, at);
  if (!changed(...paths)) return skip("neither workflow code nor histories changed");
  const said = dirty ? "" : (git("log", "-1", `--format=%(trailers:key=${TRAILER},valueonly)`) ?? "").trim();
  if (said === "re-recorded") return skip("the commit says that the histories were re-recorded");
  if (said !== "" && said !== "no rollback") {
    throw new Error(`${TRAILER}: ${said}: the trailer is \`re-recorded\` or \`no rollback\` (CONTRIBUTING.md)`);
  }
  const forward = changed(...CODE);
  const back = said === "" && changed(...paths);
  return { run: true, base, forward, back, why: said === "" ? "" : `, as its trailer says (${said})` };
}

type Git = (...args: string[]) => string | null;

function gitIn(root: string): Git {
  return (...args) => {
    try {
      return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      return null;
    }
  };
}

/** Files that git does not know yet count too. */
function changedSince(git: Git, base: string, paths: string[]): boolean {
  return (
    git("diff", "--name-only", base, "--", ...paths) !== "" ||
    git("ls-files", "--others", "--exclude-standard", "--", ...paths) !== ""
  );
}

function skip(why: string): Plan {
  return { run: false, why };
}

/** Replays in both directions that `planOf` names; answers what does not replay, a line each. */
export async function replayAcross(root: string, plan: Extract<Plan, { run: true }>): Promise<string[]> {
  const before = mkdtempSync(join(tmpdir(), "selfheal-before-"));
  try {
    const archive = execFileSync("git", ["archive", plan.base, ...PARTS, HISTORIES], {
      cwd: root,
      maxBuffer: 256 * 1024 * 1024,
    });
    execFileSync("tar", ["-x", "-C", before], { input: archive });
    symlinkSync(join(root, "node_modules"), join(before, "node_modules"));
    const short = plan.base.slice(0, 12);
    const forward = plan.forward ? await replay(root, before, `this code, histories of ${short}`) : [];
    const back = plan.back ? await replay(before, root, `code of ${short}, these histories`) : [];
    return [...forward, ...back];
  } finally {
    rmSync(before, { recursive: true, force: true });
  }
}

async function replay(codeRoot: string, historiesRoot: string, what: string): Promise<string[]> {
  const files = globSync(`${HISTORIES}/*.json.gz`, { cwd: historiesRoot }).sort();
  // A corpus that vanished would pass for ever.
  if (files.length === 0) return [`${what}: there are none`];
  const histories = files.map((file) => {
    const history = historyFromJSON(JSON.parse(gunzipSync(readFileSync(join(historiesRoot, file))).toString()));
    return { workflowId: basename(file, ".json.gz"), history };
  });
  const faults: string[] = [];
  const results = Worker.runReplayHistories({ workflowBundle: { codePath: build(codeRoot) } }, histories);
  for await (const { workflowId, error } of results) {
    if (error !== undefined) faults.push(`${what}: ${workflowId}: ${error.message}`);
  }
  console.log(`replay: ${what}: ${histories.length - faults.length} of ${histories.length} replay`);
  return faults;
}

const BUILD = `const { currentBundle } = await import("./src/workers/bundle.ts");
console.log((await currentBundle()).codePath);`;

/** With that commit's own build, so that its options are its own too; the path of the bundle. */
function build(root: string): string {
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", BUILD];
  return execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" }).trim();
}

if (import.meta.main) {
  Runtime.install({ logger: new DefaultLogger("ERROR", () => undefined) });
  const root = join(import.meta.dirname, "..");
  try {
    const plan = planOf(root);
    if (!plan.run) console.log(`replay: skipped, because ${plan.why}`);
    else {
      if (!plan.back) console.log(`replay: the old code is not tried on these histories${plan.why}`);
      const faults = await replayAcross(root, plan);
      for (const fault of faults) console.error(`replay: ${fault}`);
      if (faults.length > 0) {
        console.error(
          "replay: what is in flight would stop. Version the change with `patched`, or say in the commit message why it " +
            "need not (CONTRIBUTING.md)",
        );
        process.exitCode = 1;
      }
    }
  } catch (error) {
    console.error(`replay: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}
