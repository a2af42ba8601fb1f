/** Evidence for `modes promote`, written down through the API by the command that made it. */
import type { Command } from "commander";
import type { Attestation } from "../contracts/autonomy.ts";
import { note } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import type { Context } from "./remediation-context.ts";

/** As many characters of a summary as the API takes. */
const MOST_SUMMARY = 500;

/** Refused where the active version is another than the one that ran. */
export async function writeDown(
  context: Context,
  command: Command,
  ran: Pick<Attestation, "runbook" | "runbookHash" | "kind" | "passed" | "summary">,
  by: string | undefined,
): Promise<void> {
  const body = { ...ran, summary: ran.summary.slice(0, MOST_SUMMARY), by: by ?? context.by() };
  await callApi<Attestation>(context.options(command), "/modes/attestations", body);
  const { kind, runbook, runbookHash, passed } = ran;
  note(`written down: ${kind} of ${runbook} ${runbookHash.slice(0, 12)} ${passed ? "passed" : "failed"}`);
}
