/** The story of one remediation as a page, and the page that asks once more before a decision is taken. */
import { html } from "hono/html";
import { givenText } from "../../catalogue/given.ts";
import { duration, plain } from "../../contracts/text.ts";
import type { Story, StoryEffect, StoryPlan } from "../story/story.ts";
import { sentText } from "../story/words.ts";
import type { Markup } from "./html.ts";

export interface Confirmation {
  remediationId: string;
  decision: string;
  planHash: string;
  by: string;
  token: string;
  expiresAt: string;
}

/** `person`: who signed in; null: the form asks for a name. `taken`: what was just sent. */
export function storyPage(story: Story, person: string | null, taken: string | null): Markup {
  const { remediation } = story;
  return html`<h1>${titleOf(story)}</h1>
    ${taken === null ? "" : html`<p class="good">Your word is taken: ${shown(taken)}. Whether it counts shows below.</p>`}
    ${stateOf(story)} ${askedOf(story, person)} ${planOf(story.plan)} ${alertsOf(story)} ${verdictsOf(story)}
    ${peopleOf(story)} ${effectsOf("Effects", story.effects)} ${effectsOf("Taken back and finished", story.undone)}
    ${waitsOf(story)} ${readingsOf(story)} ${toldOf(story)} ${timelineOf(story)}
    <p class="quiet">remediation ${remediation.remediationId}</p>`;
}

export function titleOf({ remediation: { target, runbook } }: Story): string {
  return shown(`${target.kind}/${target.id}: ${runbook ?? "no runbook"}`);
}

export function confirmPage(story: Story, asked: Confirmation): Markup {
  const { remediationId, decision, planHash, by, token, expiresAt } = asked;
  return html`<h1>${decision === "approve" ? "Approve" : "Reject"} this?</h1>
    <p>${titleOf(story)}, as ${shown(by)}</p>
    ${planOf(story.plan)}
    <form method="post" action="/remediations/${remediationId}/decide">
      <input type="hidden" name="decision" value="${decision}" />
      <input type="hidden" name="planHash" value="${planHash}" />
      <input type="hidden" name="by" value="${by}" />
      <input type="hidden" name="token" value="${token}" />
      <label>Why <input name="reason" maxlength="500" autocomplete="off" /></label>
      <button type="submit">Yes, ${decision}</button>
      <p class="quiet">
        Good for one time, until ${expiresAt}. <a href="/remediations/${remediationId}">No, go back</a>
      </p>
    </form>`;
}

export function problemPage(title: string, detail: string): Markup {
  return html`<h1>${shown(title)}</h1>
    <p>${shown(detail)}</p>`;
}

function stateOf(story: Story): Markup {
  const { remediation: row, durationMs, links, tickets, cost } = story;
  const state =
    row.outcome === null
      ? html`${row.phase}:
        ${shown(row.doing)}${row.phaseUntil === null ? "" : `, at the latest until ${row.phaseUntil}`}`
      : html`<span class="${row.outcome === "healed" || row.outcome === "recovered" ? "good" : ""}">${row.outcome}</span
          >: ${shown(row.detail)}`;
  const rows: [string, Markup | string][] = [
    ["State", state],
    ["Severity", row.severity],
    ["Group, owner", shown(`${row.group === "" ? "-" : row.group}, ${row.owner === "" ? "-" : row.owner}`)],
    ["Opened", row.openedAt],
    ...(row.closedAt === null
      ? []
      : [["Closed", `${row.closedAt} (after ${duration(durationMs ?? 0)})`] as [string, string]]),
    ...(cost === null ? [] : [["Cost, estimated", String(cost)] as [string, string]]),
    ...tickets.map(({ id, url }) => ["Ticket", linkOf(url, id)] as [string, Markup | string]),
    ...(links.webUi === null
      ? []
      : [["Temporal", linkOf(links.webUi, "the workflow in its Web UI")] as [string, Markup]]),
    ...(links.traceId === null ? [] : [["Trace", linkOf(links.trace, links.traceId)] as [string, Markup | string]]),
  ];
  return html`${row.needsHuman ? html`<p class="bad">A person must look.</p>` : ""}
    <table>
      ${rows.map(
        ([name, value]) =>
          html`<tr>
            <th>${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </table>`;
}

/** Only addresses of the web are links: another scheme would run in the page. */
function linkOf(url: string | null, text: string): Markup | string {
  if (url === null || !/^https?:\/\//.test(url)) return shown(text);
  return html`<a href="${url}" rel="noreferrer">${shown(text)}</a>`;
}

function askedOf({ remediation, plan, sincePlanned }: Story, person: string | null): Markup | string {
  const { phase, closedAt, remediationId, planHash } = remediation;
  if (phase !== "approve" || closedAt !== null || planHash === null || plan === null) return "";
  const who = plan.quorum === 1 ? "A person must approve" : `${plan.quorum} people must approve`;
  const roles = plan.roles.length === 0 ? "" : ` (role ${plan.roles.join(" or ")})`;
  return html`<form method="post" action="/remediations/${remediationId}/confirm">
    <p>${shown(who + roles)}. Read the plan below.</p>
    ${
      (sincePlanned ?? []).length === 0
        ? ""
        : html`<p class="bad">It was made before the catalogue changed: ${shown((sincePlanned ?? []).join("; "))}.</p>`
    }
    <input type="hidden" name="planHash" value="${planHash}" />
    ${
      person === null
        ? html`<label>Your name <input name="by" required maxlength="255" autocomplete="username" /></label>`
        : html`<input type="hidden" name="by" value="${person}" />`
    }
    <button type="submit" name="decision" value="approve">Approve…</button>
    <button type="submit" name="decision" value="reject">Reject…</button>
  </form>`;
}

function planOf(plan: StoryPlan | null): Markup | string {
  if (plan === null) return "";
  return html`<h2>Plan ${plan.hash.slice(0, 12)}</h2>
    ${plan.rungs.map(
      ({ name, steps, holdMs }) =>
        html`<h3>${shown(name)}</h3>
          <ol>
            ${steps.map(
              ({ uses, risk, undoable, with: given }) =>
                html`<li>
                  ${shown(uses)} <span class="${risk === "irreversible" ? "bad" : "quiet"}">${risk}</span>${
                    undoable ? ", can be undone" : ""
                  }
                  <pre>${shown(givenText(uses, given))}</pre>
                </li>`,
            )}
          </ol>
          <p>Then ${shown(plan.probe)} must stay healthy for ${duration(holdMs)}.</p>`,
    )}`;
}

function alertsOf({ alerts }: Story): Markup | string {
  return section(
    "Alerts",
    alerts.map(({ receivedAt, status, labels, annotations, repeats }) => [
      receivedAt,
      status,
      `${labels["alertname"] ?? "without a name"}${repeats > 0 ? ` (${repeats + 1} times)` : ""}`,
      annotations["summary"] ?? annotations["description"] ?? "",
    ]),
  );
}

function verdictsOf({ verdicts }: Story): Markup | string {
  const rows = verdicts.flatMap(({ at, outcome, results }) =>
    results
      .filter((result, index) => result.outcome !== "pass" || index === 0)
      .map((result, index) => [index === 0 ? `${at} ${outcome}` : "", result.outcome, result.code, result.detail]),
  );
  return section("Decided", rows);
}

function peopleOf({ people }: Story): Markup | string {
  return section(
    "People",
    people.map(({ at, by, via, word, status, reason }) => [at, `${word} by ${by} (${via})`, status, reason]),
  );
}

function effectsOf(title: string, effects: readonly StoryEffect[]): Markup | string {
  return section(
    title,
    effects.map(({ startedAt, rung, step, action, direction, state, durationMs, detail, key, request }) => [
      startedAt,
      `${rung}/${step}: ${action}${direction === "apply" ? "" : ` ${direction}`}`,
      `${state}${durationMs === null ? "" : ` after ${duration(durationMs)}`}`,
      detail,
      `${givenText(action, request)} (${key})`,
    ]),
  );
}

function waitsOf({ waits }: Story): Markup | string {
  return section(
    "Waits",
    waits.map(({ since, system, ref, seen, doneAt }) => [
      since,
      `${system} ${ref}`,
      doneAt === null ? `last seen: ${seen}` : `over at ${doneAt}`,
    ]),
  );
}

function readingsOf({ confirmed, verified }: Story): Markup | string {
  return section(
    "Probes",
    [...confirmed, ...verified].map(({ at, phase, probe, state, reason }) => [at, phase, `${probe}: ${state}`, reason]),
  );
}

function toldOf({ told }: Story): Markup | string {
  return section(
    "People were told",
    told.map((one) => [one.at, one.route, sentText(one), one.summary]),
  );
}

function timelineOf({ timeline }: Story): Markup | string {
  return section(
    "Timeline",
    timeline.map(({ at, what }) => [at, what]),
  );
}

function section(title: string, rows: readonly (readonly string[])[]): Markup | string {
  if (rows.length === 0) return "";
  return html`<h2>${title}</h2>
    <div class="scroll">
      <table>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((cell) => html`<td>${shown(cell)}</td>`)}
            </tr>`,
        )}
      </table>
    </div>`;
}

/** Without characters that turn text round or break lines; the tag escapes the rest. */
function shown(text: string): string {
  return plain(text);
}
