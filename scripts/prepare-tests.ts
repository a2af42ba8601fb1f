/**
 * Gets the servers that the tests run against, once for each machine, with progress, and builds the workflow bundle, which
 * the first files of all projects would else build at the same time. Called first by `npm test`.
 */
import { readEnv } from "../src/config/env.ts";
import { messageOf } from "../src/config/user-error.ts";
import { currentBundle } from "../src/workers/bundle.ts";
import { obtainTemporalCli } from "../src/workers/temporal-cli.ts";
import { obtainTestServer } from "../src/workers/test-server.ts";

function say(what: string): (line: string) => void {
  return (line) => {
    console.log(`prepare-tests: ${what}: ${line}`);
  };
}

try {
  const env = readEnv();
  const [cli, testServer] = await Promise.all([
    obtainTemporalCli(env, say("Temporal dev server")),
    obtainTestServer(env, say("test server")),
  ]);
  say("Temporal dev server")(`${cli.path} (${cli.from})`);
  say("test server")(`${testServer.path} (${testServer.from})`);
  say("workflow bundle")((await currentBundle()).codePath);
} catch (error) {
  console.error(`prepare-tests: ${messageOf(error)}`);
  process.exitCode = 1;
}
