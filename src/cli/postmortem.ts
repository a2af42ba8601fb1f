/** `selfheal postmortem`: the draft of what happened, for a person to complete. */
import type { Command } from "commander";
import type { PostmortemAnswer } from "../starters/reports.ts";
import { withExamples } from "./options.ts";
import { wantsJson } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, contextOf, ID_HELP, type RemediationCommandOptions } from "./remediation-context.ts";
import { put } from "./report.ts";

export function postmortemCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  const command = apiCommand("postmortem", "the draft of a postmortem as Markdown, from the record of a remediation")
    .argument("<id>", ID_HELP)
    .option("--out <file>", "write it there instead of printing it");
  command.action(async (id: string, { out }: { out?: string }) => {
    const path = `/postmortems/${encodeURIComponent(id)}`;
    const answer = await callApi<PostmortemAnswer>(context.options(command), path);
    await put(wantsJson(command) ? `${JSON.stringify(answer, null, 2)}\n` : answer.markdown, out);
  });
  return withExamples(command, [
    ["selfheal postmortem host/web-1", "of its newest remediation"],
    ["selfheal postmortem 1f0c --out postmortem.md", "to complete it"],
  ]);
}
