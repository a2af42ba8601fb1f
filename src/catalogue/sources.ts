/** Files of a folder as YAML. What was parsed once is not parsed again while its content is the same. */
import { createHash } from "node:crypto";
import type { FolderFile, Snapshot } from "./folder.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

export interface Sources {
  /** null: not at hand; what refers to it is not checked and no catalogue comes of it. */
  config: YamlSource | null;
  inventory: YamlSource | null;
  /** null or left out: there is none. */
  slos?: YamlSource | null;
  /** Of nobody in particular: they may touch every group. */
  runbooks: YamlSource[];
  /** By team. */
  teams?: ReadonlyMap<string, YamlSource[]>;
}

/** Keeps what the last snapshot was made of. One for each folder that is watched. */
export class ParsedFiles {
  #kept = new Map<string, YamlSource>();

  sourcesOf(snapshot: Snapshot): Sources {
    const used = new Map<string, YamlSource>();
    const source = (one: FolderFile): YamlSource => {
      const key = keyOf(one);
      const parsed = this.#kept.get(key) ?? sourceOf(one);
      used.set(key, parsed);
      return parsed;
    };
    const teams = [...snapshot.teams].map(([team, files]) => [team, files.map(source)] as const);
    const sources = {
      config: source(snapshot.config),
      inventory: source(snapshot.inventory),
      slos: snapshot.slos === null ? null : source(snapshot.slos),
      runbooks: snapshot.runbooks.map(source),
      teams: new Map(teams),
    };
    this.#kept = used;
    return sources;
  }
}

function keyOf({ file, bytes, fault }: FolderFile): string {
  return bytes === null ? `${file} ${fault}` : `${file} ${createHash("sha256").update(bytes).digest("hex")}`;
}

export function sourceOf({ file, bytes, fault }: FolderFile): YamlSource {
  if (bytes !== null) return readYaml(file, bytes);
  const source = readYaml(file, new TextEncoder().encode("{}"));
  const message = fault === "ENOENT" ? "there is no such file" : `it cannot be read (${fault})`;
  source.problems.push(source.problem([], "value", { message, wouldBeRight: "a YAML file that this user may read" }));
  source.json = null;
  return source;
}
