/** `selfheal remediation request | review`: what a person asks for, and what he says afterwards. */
import { InvalidArgumentError, type Command } from "commander";
import { EXIT, UserError } from "../config/user-error.ts";
import type { ReviewVerdict } from "../contracts/autonomy.ts";
import { plain } from "../contracts/text.ts";
import type { AlertResult } from "../starters/ingest.ts";
import type { ReviewAnswer } from "../starters/reviews.ts";
import { withExamples } from "./options.ts";
import { printResult } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, ID_HELP, type Context } from "./remediation-context.ts";

type Labels = Record<string, string>;

export function requestCommand(context: Context): Command {
  const command = apiCommand("request", "ask for a remediation as if the alert had come; somebody else must approve it")
    .requiredOption("--alert <name>", "the alertname that a runbook matches")
    .option("--label <name=value>", "a label of the alert; give one for each", collectLabel, {})
    .requiredOption("--reason <text>", "why; people read it in the record")
    .option("--by <name>", "who asks; default the owner of your token, else your user name");
  command.action(async (options: { alert: string; label: Labels; reason: string; by?: string }) => {
    const { alert, label, reason, by = context.by() } = options;
    const labels = { ...label, alertname: alert };
    const answer = await callApi<AlertResult>(context.options(command), "/remediations", { labels, by, reason });
    printResult(command, answer, () => {
      const why = answer.reason === null ? "" : `: ${answer.reason}`;
      if (answer.target === null) return plain(`${answer.disposition}${why}`);
      return plain(`${answer.disposition} to ${answer.target} (${answer.runbook ?? "no runbook"})${why}`);
    });
  });
  return withExamples(command, [
    [
      'selfheal remediation request --alert HostDown --label host=web-1 --reason "it hangs"',
      "confirmed as every other",
    ],
  ]);
}

function collectLabel(text: string, labels: Labels): Labels {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("NAME=VALUE.");
  return { ...labels, [text.slice(0, at)]: text.slice(at + 1) };
}

interface ReviewOptions {
  good?: true;
  falsePositive?: true;
  masking?: true;
  reason?: string;
  by?: string;
}

export function reviewCommand(context: Context): Command {
  const command = apiCommand(
    "review",
    "say of a closed remediation whether it was right: that is how a runbook earns its mode",
  )
    .argument("<id>", ID_HELP)
    .option("--good", "it was right, or would have been: a person did the same")
    .option("--false-positive", "nothing was to be done")
    .option("--masking", "it hides a deeper fault")
    .option("--reason <text>", "why")
    .option("--by <name>", "who says so; default the owner of your token, else your user name");
  command.action(async (id: string, options: ReviewOptions) => {
    const { by = context.by(), reason } = options;
    const body = { verdict: verdictOf(options), by, ...(reason === undefined ? {} : { reason }) };
    const path = `/remediations/${encodeURIComponent(id)}/review`;
    const answer = await callApi<ReviewAnswer>(context.options(command), path, body);
    const { target, remediationId, outcome } = answer;
    printResult(command, answer, () =>
      plain(`${target.kind}/${target.id}: ${outcome}, reviewed as ${NAMES[answer.verdict]} (${remediationId})`),
    );
  });
  return withExamples(command, [
    ["selfheal remediation review host/web-1 --good", "its newest remediation"],
    ['selfheal remediation review host/web-1 --false-positive --reason "the sensor was wrong"', "counts as a failure"],
  ]);
}

const NAMES: Record<ReviewVerdict, string> = { good: "good", falsePositive: "a false positive", masking: "masking" };

function verdictOf({ good, falsePositive, masking }: ReviewOptions): ReviewVerdict {
  const said = [
    ...(good === true ? ["good" as const] : []),
    ...(falsePositive === true ? ["falsePositive" as const] : []),
    ...(masking === true ? ["masking" as const] : []),
  ];
  const [verdict] = said;
  if (verdict !== undefined && said.length === 1) return verdict;
  throw new UserError("say one of --good, --false-positive and --masking", { exitCode: EXIT.usage });
}
