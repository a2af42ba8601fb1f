/** OpenAPI 3.1 of the route table: what is checked is what is written. */
import { z } from "zod";
import { projectVersion } from "../../config/project.ts";
import * as answers from "./answers.ts";
import { IDEMPOTENCY_KEY } from "./idempotency.ts";
import { paramsOf, TAGS, type AnyOperation } from "./operation.ts";

type Schema = Record<string, unknown>;
export type OpenApi = ReturnType<typeof openApi>;

const PROBLEMS: Record<number, string> = {
  400: "The body is not JSON",
  401: "No token, or not the right one",
  403: "This caller may not",
  404: "There is no such thing",
  409: "It does not fit what is there now",
  413: "The body is too large",
  415: "The body is of another type",
  422: "A field is wrong: `field`, `value`, `wouldBeRight`",
  503: "Something that is needed is away or has too much to do: try again after `Retry-After` seconds",
};

export function openApi(operations: readonly AnyOperation[]) {
  const schemas: Record<string, Schema> = {};
  const paths: Record<string, Record<string, Schema>> = {};
  const problem = schemaOf(answers.PROBLEM, "output", schemas);
  for (const operation of operations) {
    (paths[operation.path] ??= {})[operation.method] = described(operation, schemas, problem);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "selfheal",
      version: projectVersion(),
      description:
        "Errors are RFC 9457 problems. Every answer has the request's `X-Request-Id`. Lists are paged by `next`.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        api: { type: "http", scheme: "bearer", description: "A token of the API, or of your identity provider" },
        source: {
          type: "http",
          scheme: "bearer",
          description:
            "sources.<name>.token, or SELFHEAL_WEBHOOK_TOKEN; a signature with sources.<name>.hmac does instead",
        },
        page: { type: "http", scheme: "basic", description: "Your name, and your token as the password" },
      },
    },
  };
}

function described(operation: AnyOperation, schemas: Record<string, Schema>, problem: Schema): Schema {
  const { path, method, tag, summary, description, role, status = 200 } = operation;
  const parameters = [...pathParameters(path), ...queryParameters(operation, schemas), ...headerParameters(operation)];
  return {
    operationId: `${method} ${path}`.replace(/[^\w]+/g, "_").replace(/_$/, ""),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    "x-role": role,
    security:
      role === "public" || role === "signed"
        ? []
        : [{ [tag === "pages" ? "page" : role === "source" ? "source" : "api"]: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...bodyOf(operation, schemas),
    responses: { [status]: answerOf(operation, schemas), ...problemsOf(operation, problem, schemas) },
  };
}

function pathParameters(path: string): Schema[] {
  return paramsOf(path).map((name) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", minLength: 1, maxLength: 255 },
  }));
}

function queryParameters({ query }: AnyOperation, schemas: Record<string, Schema>): Schema[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query, "input", schemas) as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function headerParameters({ method, keeps = "yes", role }: AnyOperation): Schema[] {
  if (method === "get" || keeps !== "yes" || role === "source") return [];
  const description = "The same key with the same request is done once, and answered alike for a day";
  const schema = { type: "string", pattern: "^[\\x21-\\x7e]{1,255}$" };
  return [{ name: IDEMPOTENCY_KEY, in: "header", required: false, description, schema }];
}

function bodyOf({ body, bodyTypes = ["application/json"] }: AnyOperation, schemas: Record<string, Schema>): Schema {
  if (body === undefined) return {};
  const schema = schemaOf(body, "input", schemas);
  return { requestBody: { required: true, content: Object.fromEntries(bodyTypes.map((type) => [type, { schema }])) } };
}

function answerOf(operation: AnyOperation, schemas: Record<string, Schema>): Schema {
  const { answer, answerType = "application/json", summary, status } = operation;
  const schema = schemaOf(answer, "output", schemas);
  const headers = { "X-Request-Id": { schema: { type: "string" } } };
  if (status === 303)
    return { description: summary, headers: { ...headers, Location: { schema: { type: "string" } } } };
  return { description: summary, headers, content: { [answerType]: { schema } } };
}

function problemsOf(operation: AnyOperation, problem: Schema, schemas: Record<string, Schema>): Schema {
  const { role, body, query, problems = [] } = operation;
  const statuses = [
    ...(role === "public" ? [] : [401]),
    ...(role === "public" || role === "signed" || role === "source" ? [] : [403]),
    ...(body === undefined ? [] : [400, 413, 415, 422]),
    ...(query === undefined ? [] : [422]),
    ...(paramsOf(operation.path).length === 0 ? [] : [404]),
    ...(operation.method === "get" ? [] : [409]),
    503,
    ...problems,
  ];
  const sorted = [...new Set(statuses)].sort((a, b) => a - b);
  return Object.fromEntries(
    sorted.map((status): [number, Schema] => {
      const content = problemContent(operation, status, problem, schemas);
      return [status, { description: PROBLEMS[status] ?? "", content }];
    }),
  );
}

function problemContent(
  { answer, answerType, path }: AnyOperation,
  status: number,
  problem: Schema,
  schemas: Record<string, Schema>,
): Schema {
  const text = { schema: { type: "string" } };
  // A part that is not ready says so in the answer's own shape.
  if (path === "/readyz") return { "application/json": { schema: schemaOf(answer, "output", schemas) } };
  if (answerType !== "text/html") return { "application/problem+json": { schema: problem } };
  return status === 401
    ? { "text/plain": text }
    : { "text/html": text, "application/problem+json": { schema: problem } };
}

/** With the schemas that have names moved to `components`. */
function schemaOf(schema: z.ZodType, io: "input" | "output", schemas: Record<string, Schema>): Schema {
  const made = z.toJSONSchema(schema, { io, unrepresentable: "any", target: "draft-2020-12" });
  const text = JSON.stringify(made).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { $defs = {}, $schema: _, ...rest } = JSON.parse(text) as Schema & { $defs?: Record<string, Schema> };
  for (const [name, one] of Object.entries($defs)) schemas[name] = withoutId(one);
  const id = rest["id"];
  if (typeof id !== "string") return rest;
  schemas[id] = withoutId(rest);
  return { $ref: `#/components/schemas/${id}` };
}

function withoutId({ id: _, ...schema }: Schema): Schema {
  return schema;
}
