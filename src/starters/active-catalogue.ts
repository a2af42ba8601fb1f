/**
 * The catalogue that this process classifies with: loaded from a folder, saved in the record by its hash, made the
 * active one. Only `serve` activates: a worker that starts with an older folder must not turn the clock back.
 */
import type { AnyAction } from "../ports/action.ts";
import type { CatalogueOrigin, RecordStore } from "../record/api.ts";
import { throughWay } from "../record/actor.ts";
import { isContent, type Catalogue, type Content } from "../catalogue/catalogue.ts";
import { loadCatalogue, type Loaded } from "../catalogue/load.ts";
import { formatProblem, type Problem } from "../catalogue/problems.ts";
import type { SecretSource } from "../catalogue/secrets.ts";
import { EXIT, UserError } from "../config/user-error.ts";

/**
 * Throws a UserError with every mistake when the folder does not load: start-up fails early and says why. With
 * `secrets` a reference that leads to nothing is a mistake too, with its place; without, references are not followed.
 */
export async function requireCatalogue(
  folder: string,
  actions: Record<string, AnyAction>,
  secrets?: SecretSource,
): Promise<Catalogue> {
  const { catalogue } = await requireLoaded(folder, actions, secrets);
  return catalogue;
}

export type RightFolder = Loaded & { catalogue: Catalogue };

/** As `requireCatalogue`, with what is wrong in teams' folders. */
export async function requireLoaded(
  folder: string,
  actions: Record<string, AnyAction>,
  secrets?: SecretSource,
): Promise<RightFolder> {
  const options = secrets === undefined ? { actions } : { actions, secrets };
  const loaded = await loadCatalogue(folder, options);
  if (loaded.catalogue === null) throw cannotLoad(folder, loaded.problems);
  return { ...loaded, catalogue: loaded.catalogue };
}

export function cannotLoad(folder: string, problems: readonly Problem[]): UserError {
  const lines = problems.map((problem) => `  ${formatProblem(problem)}`).join("\n");
  return new UserError(`the catalogue in ${folder} does not load:\n${lines}`, { exitCode: EXIT.usage });
}

/** The content of the active catalogue; null while none is active, or when it is of another form. */
export async function activeContent(record: Pick<RecordStore, "activeVersion" | "catalogue">): Promise<Content | null> {
  const version = await record.activeVersion();
  const content = version === null ? null : await record.catalogue(version);
  return isContent(content) ? content : null;
}

/** Idempotent: the same folder again changes nothing. `origin`: the folder's commit, for the audit. */
export function activate(
  record: Pick<RecordStore, "saveCatalogue" | "activateCatalogue" | "grantStanding" | "lapseStanding">,
  catalogue: Catalogue,
  origin: CatalogueOrigin | null,
): Promise<void> {
  return throughWay("file", async () => {
    await record.saveCatalogue(catalogue.version, catalogue.content);
    const { declaredApprovals, standingApprovals } = catalogue;
    const declared: string[] = [];
    // Those for another version too: a plan that was decided with it keeps its approval while that stands there.
    for (const approval of declaredApprovals) {
      const id = await record.grantStanding(approval, standingApprovals.includes(approval));
      if (id !== null) declared.push(id);
    }
    await record.activateCatalogue(catalogue.version, origin);
    await record.lapseStanding(
      catalogue.runbooks.map(({ name, hash }) => ({ runbook: name, hash })),
      declared,
    );
  });
}
