/** A rehearsal for people: a line a fault, a column a seed, and below what must not be. */
import { paint, table } from "../output.ts";
import { plain } from "../../contracts/text.ts";
import { whyNotSettled, type Rehearsal } from "./judge.ts";

export function rehearsalText({ runbook, runbookHash, seeds, passed, summary }: Rehearsal): string {
  const strikes = seeds[0]?.ended.map(({ strike }) => strike) ?? [];
  const rows = strikes.map((strike) => [
    strike,
    ...seeds.map(({ ended }) => {
      const one = ended.find((each) => each.strike === strike);
      const mark = one === undefined || whyNotSettled(one) === null ? "" : " !";
      return `${one?.outcome ?? "open"}${mark}`;
    }),
  ]);
  const wrong = seeds.flatMap(({ seed, ended, broken }) => [
    ...ended.flatMap((one) => {
      const why = whyNotSettled(one);
      return why === null ? [] : [`seed ${seed}, ${one.strike} on ${one.host} (${one.remediationId ?? "-"}): ${why}`];
    }),
    ...broken.map((sentence) => `seed ${seed}: BROKEN: ${sentence}`),
  ]);
  return [
    `${runbook} ${runbookHash.slice(0, 12)}`,
    table(["FAULT", ...seeds.map(({ seed }) => `SEED ${seed}`)], rows),
    ...(wrong.length === 0 ? [] : ["", ...wrong.map(plain)]),
    "",
    paint(passed ? "green" : "red", plain(`${passed ? "passed" : "NOT passed"}: ${summary}`)),
  ].join("\n");
}
