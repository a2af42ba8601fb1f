/**
 * `npm run check`: every check, whatever the others say, with a count at the end. `lint` takes as long as all others: it
 * has a core, and they have one, one after the other. What each says comes in one piece, when it is over.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";

const LANES = [["lint"], ["types", "format:check", "arch", "dead", "replay:across"]];

const results = await Promise.all(LANES.map(inTurn));
const failed = results.flat().filter((ok) => !ok).length;
console.log(`checks: ${results.flat().length - failed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;

async function inTurn(names: readonly string[]): Promise<boolean[]> {
  const all: boolean[] = [];
  for (const name of names) all.push(await passes(name));
  return all;
}

async function passes(name: string): Promise<boolean> {
  const start = performance.now();
  const child = spawn("npm", ["run", "--silent", name], { stdio: ["ignore", "pipe", "pipe"] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  process.stdout.write(Buffer.concat(said));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`check ${name}: ${code === 0 ? "ok" : "FAILED"} (${seconds} s)`);
  return code === 0;
}
