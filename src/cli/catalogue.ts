/** `selfheal catalogue`: what the API decides with, and what of its folder is not in use and why. */
import type { Command } from "commander";
import { plain } from "../contracts/text.ts";
import { formatProblem } from "../catalogue/problems.ts";
import { EXIT } from "../config/user-error.ts";
import type { CatalogueAnswer } from "../starters/http/catalogue.ts";
import type { FolderStatus } from "../starters/live-folder.ts";
import { withExamples } from "./options.ts";
import { printResult } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, contextOf, type RemediationCommandOptions } from "./remediation-context.ts";

export function catalogueCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  const command = apiCommand("catalogue", "what is in use of the configuration folder, and what is not and why");
  command.addHelpText("after", "\nExit status: 0 the folder is in use as it is; 1 something in it is not.");
  command.action(async () => {
    const answer = await callApi<CatalogueAnswer>(context.options(command), "/catalogue");
    printResult(command, answer, () => catalogueText(answer).split("\n").map(plain).join("\n"));
    process.exitCode = (answer.folder?.state ?? "current") === "current" ? EXIT.ok : EXIT.failed;
  });
  return withExamples(command, [["selfheal catalogue", "after an edit: is it in use?"]]);
}

const STATES: Record<FolderStatus["state"], string> = {
  current: "in use as it is",
  partly: "in use, except for what a team got wrong",
  broken: "WRONG: its last good version stays in use",
  waiting: "right, but cannot be taken over now: its last good version stays in use",
};

export function catalogueText({ version, active, folder }: CatalogueAnswer): string {
  const lines = [`version ${version ?? "none"}`];
  if (active !== version) lines.push(`active  ${active ?? "none"}   (of another \`serve\`: which folder is right?)`);
  if (folder === null) return lines.join("\n");
  lines.push(`since   ${folder.since}`, `folder  ${folder.folder}: ${STATES[folder.state]}`);
  if (folder.because !== null) lines.push(`        ${folder.because}`);
  for (const { team, state, runbooks } of folder.teams)
    lines.push(`team    ${team}: ${stateText(state)}${runbooks.join(", ")}`);
  return [...lines, ...folder.problems.map(formatProblem)].join("\n");
}

function stateText(state: FolderStatus["teams"][number]["state"]): string {
  if (state === "current") return "";
  return state === "lastGood" ? "WRONG, its last good ones stay in use: " : "WRONG, it has no runbooks in use";
}
