/** `/openapi.json`, and `/docs`: the same for people, without a script. */
import { html } from "hono/html";
import { z } from "zod";
import { answerPage, type Markup } from "./html.ts";
import { openApi, type OpenApi } from "./openapi.ts";
import { operation, TAGS, type AnyOperation } from "./operation.ts";

const row = { method: "get", role: "public", tag: "service" } as const;

/** Describes `others`, and itself. */
export function docsOperations(others: readonly AnyOperation[]): AnyOperation[] {
  let made: OpenApi | null = null;
  const document = () => (made ??= openApi([...others, ...own]));
  const own: AnyOperation[] = [
    operation({
      ...row,
      path: "/openapi.json",
      summary: "This API as OpenAPI 3.1",
      answer: z.custom<OpenApi>().meta({ type: "object" }),
      handle: () => document(),
    }),
    operation({
      ...row,
      path: "/docs",
      summary: "This API as a page",
      answer: z.string(),
      answerType: "text/html",
      handle: (_deps, { context }) =>
        answerPage(context, { title: "The API of selfheal", body: docsPage(document(), [...others, ...own]) }),
    }),
  ];
  return own;
}

interface Described {
  description?: string;
  parameters?: { name: string; in: string; required: boolean; description?: string; schema: unknown }[];
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<string, { description: string; content: Record<string, { schema: unknown }> }>;
}

function docsPage({ info, paths, components }: OpenApi, operations: readonly AnyOperation[]): Markup {
  const names = Object.keys(TAGS) as (keyof typeof TAGS)[];
  return html`<h1>${info.title} ${info.version}</h1>
    <p>${info.description} As a file: <a href="/openapi.json">/openapi.json</a>.</p>
    <ul>
      ${names.map((name) => html`<li><a href="#${name}">${name}</a>: ${TAGS[name]}</li>`)}
    </ul>
    ${names.map(
      (name) =>
        html`<h2 id="${name}">${name}</h2>
          ${operations
            .filter(({ tag }) => tag === name)
            .map((one) => operationOf(one, paths[one.path]?.[one.method] as unknown as Described))}`,
    )}
    <h2 id="schemas">schemas</h2>
    ${Object.entries(components.schemas).map(
      ([name, schema]) =>
        html`<details id="schema-${name}">
          <summary>${name}</summary>
          <pre>${JSON.stringify(schema, null, 2)}</pre>
        </details>`,
    )}`;
}

function operationOf({ method, path, summary, role }: AnyOperation, described: Described): Markup {
  const { description, parameters = [], requestBody, responses } = described;
  return html`<details>
    <summary>
      <b>${method.toUpperCase()}</b> <code>${path}</code> ${summary} <span class="quiet">(${role})</span>
    </summary>
    ${description === undefined ? "" : html`<p>${description}</p>`}
    ${
      parameters.length === 0
        ? ""
        : html`<table>
            ${parameters.map(
              (one) =>
                html`<tr>
                  <th>${one.name}</th>
                  <td>${one.in}${one.required ? ", required" : ""}</td>
                  <td>${one.description ?? ""} <code>${JSON.stringify(one.schema)}</code></td>
                </tr>`,
            )}
          </table>`
    }
    ${Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => schemaBlock(`Body, ${type}`, schema))}
    ${Object.entries(responses).map(([status, { description: what, content }]) =>
      Number(status) < 300
        ? Object.entries(content).map(([type, { schema }]) => schemaBlock(`${status}, ${type}`, schema))
        : html`<p class="quiet">${status}: ${what}</p>`,
    )}
  </details>`;
}

function schemaBlock(title: string, schema: unknown): Markup {
  return html`<h4>${title}</h4>
    <pre>${JSON.stringify(schema, null, 2)}</pre>`;
}
