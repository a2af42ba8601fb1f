/** The entry of the command line: what goes wrong becomes one line and an exit status. */
import { CommanderError } from "commander";
import { EXIT } from "../config/user-error.ts";
import { note, printError } from "./output.ts";
import { endWithReader } from "./process/broken-pipe.ts";
import { selfhealProgram } from "./program.ts";

async function main(argv: string[]): Promise<number> {
  try {
    await selfhealProgram().parseAsync(argv, { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : EXIT.ok;
  } catch (error) {
    // Commander has printed its own errors (and help) already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // After a usage error the options may not have been parsed: look at the words.
    return printError(error, { json: argv.includes("--json"), debug: argv.includes("--debug") });
  }
}

endWithReader([process.stdout, process.stderr]);
process.on("unhandledRejection", (error) => {
  note("selfheal: a promise failed and nobody was looking; this is a bug");
  process.exit(printError(error, { json: false, debug: true }));
});
process.exitCode = await main(process.argv.slice(2));
