/** Holds every answer that a test gets against what `/openapi.json` says of it: status, media type, shape. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

interface Described {
  responses: Record<string, { content: Record<string, { schema: object }> }>;
}
interface Document {
  paths: Record<string, Record<string, Described>>;
  components: object;
}

export class DescribedApi {
  readonly #document: Document;
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });
  readonly #compiled = new Map<object, ValidateFunction>();
  /** `get /v1/remediations`, with each status that was answered. */
  readonly exercised = new Set<string>();

  constructor(document: unknown) {
    this.#document = document as Document;
  }

  get operations(): string[] {
    return Object.entries(this.#document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
  }

  /** Throws when the answer is not as it is described. What is at no path of ours is none of this. */
  async check(method: string, url: string, response: Response): Promise<void> {
    const { pathname } = new URL(url);
    const found = this.#find(method.toLowerCase(), pathname);
    if (found === null) return;
    const [name, described] = found;
    this.exercised.add(name);
    // A bug is nothing that one describes, and a redirection has no body.
    if (response.status === 500 || response.status === 303) return;
    const content = described.responses[String(response.status)]?.content;
    const asked = `${name} answered ${response.status}`;
    if (content === undefined) throw new Error(`${asked}, which is not described`);
    const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
    const schema = content[type]?.schema;
    if (schema === undefined) throw new Error(`${asked} as ${type}; described are ${Object.keys(content).join(", ")}`);
    if (!type.endsWith("json")) return;
    const body: unknown = await response.clone().json();
    const validate = this.#validator(schema);
    if (!validate(body)) {
      throw new Error(`${asked}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(body).slice(0, 2_000)}`);
    }
  }

  #find(method: string, pathname: string): [string, Described] | null {
    const paths = Object.keys(this.#document.paths);
    // The literal path before one with parameters.
    const sorted = paths.sort((a, b) => a.split("{").length - b.split("{").length);
    for (const path of sorted) {
      const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
      const described = this.#document.paths[path]?.[method];
      if (described !== undefined && pattern.test(pathname)) return [`${method} ${path}`, described];
    }
    return null;
  }

  #validator(schema: object): ValidateFunction {
    const known = this.#compiled.get(schema) ?? this.#ajv.compile({ ...schema, components: this.#document.components });
    this.#compiled.set(schema, known);
    return known;
  }
}
