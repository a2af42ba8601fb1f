/**
 * The time-skipping Temporal test server, first that works: SELFHEAL_TEST_SERVER, our cache, the download that the SDK
 * uses, Maven and a JDK (the same server as jars). Give the path to
 * `TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: "existing-path", path } } })`.
 */
import { Connection } from "@temporalio/client";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, type Env } from "../config/env.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import { downloadExecutable } from "./download.ts";
import { freePort } from "./ports.ts";
import type { FoundTool, ObtainOptions } from "./temporal-cli.ts";
import { findOnPath, isExecutable, makeFolderAtomically, run, withTicks, type Progress } from "./tools.ts";
import { untilReady } from "./until-ready.ts";
import { startWatched } from "./watched.ts";

const VERSION = "1.38.0";
const MAIN_CLASS = "io.temporal.testserver.TestServer";
const MAVEN_TIMEOUT_MS = 10 * 60_000;
const TICK_MS = 10_000;
const ARCHIVED_WITHIN_MS = 60_000;
const WRAPPER = "temporal-test-server";
/** What a JVM has loaded once the server answers; its next start maps it in place of reading the jars. */
const CLASSES = "classes.jsa";
const JVM = "-Xmx512m -XX:TieredStopAtLevel=1";

/** Looks only; nothing is downloaded. */
export async function findTestServer(env: Env): Promise<FoundTool | null> {
  const named = env.SELFHEAL_TEST_SERVER;
  if (named !== undefined) {
    if (await isExecutable(named)) return { path: named, from: "environment" };
    throw new UserError(`SELFHEAL_TEST_SERVER=${named} is not an executable file`, { exitCode: EXIT.usage });
  }
  const { binary, jars } = places(env);
  if (await isExecutable(binary)) return { path: binary, from: "cache" };
  const wrapper = join(jars, WRAPPER);
  return (await isExecutable(wrapper)) ? { path: wrapper, from: "cache" } : null;
}

/** Finds it or gets it, with progress for a person; a UserError in one sentence when there is no way. */
export async function obtainTestServer(env: Env, log: Progress, how: ObtainOptions = {}): Promise<FoundTool> {
  const found = await findTestServer(env);
  if (found !== null) return found;
  const { binary, jars } = places(env);
  log("no time-skipping test server here yet; getting one (about 40 MB)");
  try {
    await downloadExecutable({ artifact: "temporal-test-server", target: binary, log, baseUrl: how.downloadFrom });
    return { path: binary, from: "download" };
  } catch (error) {
    log(`no download (${messageOf(error)})`);
  }
  const [mvn, java] = await Promise.all([findOnPath("mvn", env.PATH), findOnPath("java", env.PATH)]);
  if (mvn === null || java === null) throw noWay(`there is no ${mvn === null ? "Maven" : "Java"} to run it with`);
  try {
    await makeFolderAtomically(jars, (folder) => fillWithJars(folder, { mvn, java, log }));
  } catch (error) {
    throw noWay(`Maven failed (${messageOf(error)})`, error);
  }
  await archiveClasses(jars, java).catch((error: unknown) => log(`starts will be slow (${messageOf(error)})`));
  return { path: join(jars, WRAPPER), from: "build" };
}

function places(env: Env): { binary: string; jars: string } {
  const cache = cacheFolder(env);
  return {
    binary: join(cache, "bin", `temporal-test-server-sdk`),
    jars: join(cache, `test-server-${VERSION}-jvm-2`),
  };
}

function noWay(reason: string, cause?: unknown): UserError {
  return new UserError(
    `no time-skipping test server: temporal.download cannot be reached and ${reason}. ` +
      "Install Maven and a JDK (17 or later), or set SELFHEAL_TEST_SERVER to a temporal-test-server",
    { cause, exitCode: EXIT.unavailable },
  );
}

async function fillWithJars(folder: string, tools: { mvn: string; java: string; log: Progress }): Promise<void> {
  tools.log(`fetching io.temporal:temporal-test-server:${VERSION} and its dependencies with Maven (38 MB)`);
  await writeFile(join(folder, "pom.xml"), pom());
  const maven = run({
    name: "mvn",
    command: tools.mvn,
    args: [
      "-q",
      "-B",
      "-f",
      join(folder, "pom.xml"),
      "dependency:copy-dependencies",
      `-DoutputDirectory=${folder}/lib`,
    ],
    cwd: folder,
    timeoutMs: MAVEN_TIMEOUT_MS,
  });
  await withTicks(
    TICK_MS,
    (seconds) => void jarCount(folder).then((n) => tools.log(`fetching: ${seconds} s, ${n} jars`)),
    maven,
  );
  await writeFile(join(folder, WRAPPER), wrapper(tools.java), { mode: 0o755 });
}

async function jarCount(folder: string): Promise<number> {
  return readdir(join(folder, "lib")).then(
    (files) => files.length,
    () => 0,
  );
}

function pom(): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>selfheal</groupId><artifactId>test-server</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${VERSION}</version></dependency>
    <!-- Without it the server greets every test with three lines about a missing logger. -->
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;
}

/** `exec`, so that the SDK's kill reaches the JVM itself. The folder was renamed, so it finds its jars by its own path. */
function wrapper(java: string): string {
  return `#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
exec '${java}' ${JVM} "-XX:SharedArchiveFile=$here/${CLASSES}" -cp "$here/lib/*" ${MAIN_CLASS} "$@"
`;
}

/**
 * Starts the server once and ends it, so that its JVM writes down its classes: 0.3 s for a start in place of 0.7, and on
 * busy cores 1.2 s in place of 3.4, where the SDK waits 5 s at most. Done where the folder stays: the archive counts only
 * with the same paths. Without it, or with another Java, the server starts as it would have.
 */
async function archiveClasses(jars: string, java: string): Promise<void> {
  const port = await freePort();
  const archive = join(jars, `${CLASSES}.${process.pid}`);
  const args = [`-XX:ArchiveClassesAtExit=${archive}`, "-cp", join(jars, "lib", "*"), MAIN_CLASS, String(port)];
  const server = await startWatched({ name: WRAPPER, command: java, args: [...JVM.split(" "), ...args] });
  await untilReady("the time-skipping test server", server, {
    ask: async () => (await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: 2_000 })).close(),
  });
  await server.stop({ withinMs: ARCHIVED_WITHIN_MS });
  await rename(archive, join(jars, CLASSES)).finally(() => rm(archive, { force: true }));
}
