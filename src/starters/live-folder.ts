/**
 * A configuration folder that is watched: what is right in it is taken over while the process runs, what is wrong keeps
 * the last good version and says so. It is polled, not notified: that works the same for editors that replace files,
 * git, network drives and the links of Kubernetes (ADR 0049). Nothing is ever applied by halves.
 */
import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { messageOf, UserError } from "../config/user-error.ts";
import type { Catalogue, Content } from "../catalogue/catalogue.ts";
import { readFolder, stampOf, type Snapshot } from "../catalogue/folder.ts";
import type { Loaded, Loader } from "../catalogue/load.ts";
import { formatProblem, type Problem } from "../catalogue/problems.ts";
import type { TeamState } from "../catalogue/teams.ts";
import { cannotLoad } from "./active-catalogue.ts";

export interface LiveFolderOptions {
  folder: string;
  load: Loader;
  /** Takes a catalogue over. A UserError says that it cannot be used; any other error, that it cannot be now. */
  apply: (catalogue: Catalogue) => Promise<void>;
  /** What outside of the folder belongs to it (files with secrets): another text means that it is applied again. */
  beside?: (catalogue: Catalogue) => string;
  /** What was in use before this process started, for teams whose files are wrong now. */
  lastGood?: () => Promise<Content | null>;
  /** `selfheal.yaml`: edits of other files are none of its business. */
  only?: "selfheal.yaml";
  log: Logger;
  onChange?: (status: FolderStatus) => void;
  /** From one look to the next; default 1,000. A change counts once two looks have seen the same. */
  everyMs?: number;
}

export interface FolderStatus {
  folder: string;
  /** Of the catalogue in use. */
  version: string;
  /** ISO; when it was taken over. */
  since: string;
  /**
   * `current`: the folder is in use as it is. `partly`: except for a team's runbooks. `broken`: its last good version
   * is in use. `waiting`: it is right, and cannot be taken over just now.
   */
  state: "current" | "partly" | "broken" | "waiting";
  /** Why it is not `current`, and warnings. */
  problems: Problem[];
  /** Anything else that stands against it. */
  because: string | null;
  teams: TeamState[];
}

const EVERY_MS = 1_000;

export class LiveFolder {
  readonly #options: LiveFolderOptions;
  #catalogue: Catalogue | null = null;
  #checked: { hash: string; loaded: Loaded } | null = null;
  #status: FolderStatus | null = null;
  /** Of the folder that was settled last: as it was read, in use or not. */
  #settled = "";
  /** Of what was settled last. */
  #content = "";
  /** Of the look before. */
  #seen = "";
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: LiveFolderOptions) {
    this.#options = options;
  }

  get catalogue(): Catalogue {
    if (this.#catalogue === null) throw new Error(`${this.#options.folder} was not loaded yet`);
    return this.#catalogue;
  }

  get status(): FolderStatus {
    if (this.#status === null) throw new Error(`${this.#options.folder} was not loaded yet`);
    return this.#status;
  }

  /** Throws a UserError with every mistake. For a start that shall fail before anything else is tried. */
  async check(): Promise<Catalogue> {
    const snapshot = await readFolder(this.#options.folder);
    const loaded = await this.#options.load(snapshot, null);
    if (loaded.catalogue === null) throw cannotLoad(this.#options.folder, loaded.problems);
    this.#checked = { hash: snapshot.hash, loaded };
    return loaded.catalogue;
  }

  /** Throws a UserError with every mistake: what was good before another start is not known to be wanted now. */
  async open(): Promise<void> {
    const stamp = await stampOf(this.#options.folder);
    const snapshot = await readFolder(this.#options.folder);
    const loaded =
      this.#checkedAs(snapshot) ?? (await this.#options.load(snapshot, (await this.#options.lastGood?.()) ?? null));
    if (loaded.catalogue === null) throw cannotLoad(this.#options.folder, loaded.problems);
    await this.#options.apply(loaded.catalogue);
    this.#settle(loaded.catalogue, loaded, null);
    this.#settled = this.#seen = this.#withBeside(stamp);
    this.#content = this.#withBeside(this.#contentOf(snapshot));
  }

  /** What `check` has loaded, where nothing has changed since and no team needs what was good before. */
  #checkedAs({ hash }: Snapshot): Loaded | null {
    const checked = this.#checked;
    this.#checked = null;
    const isWhole = checked?.loaded.teams.every(({ state }) => state === "current") ?? false;
    return checked?.hash === hash && isWhole ? checked.loaded : null;
  }

  /** Looks again and again until `stop`. */
  watch(): void {
    const next = (): void => {
      // It may end in the middle of a look.
      if (this.#isStopped) return;
      this.#timer = setTimeout(() => void this.look().finally(next), this.#options.everyMs ?? EVERY_MS);
      this.#timer.unref();
    };
    next();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  /** One look; never rejects. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  async #look(): Promise<void> {
    try {
      const stamp = this.#withBeside(await stampOf(this.#options.folder));
      const isStill = stamp === this.#seen;
      this.#seen = stamp;
      if (!isStill || stamp === this.#settled) return;
      const snapshot = await readFolder(this.#options.folder);
      const content = this.#withBeside(this.#contentOf(snapshot));
      if (content === this.#content || (await this.#reload(snapshot)))
        [this.#settled, this.#content] = [stamp, content];
    } catch (error) {
      this.#options.log.error({ err: error, folder: this.#options.folder }, "the configuration folder cannot be read");
    }
  }

  /** False: it shall be tried again, though nothing changes. */
  async #reload(snapshot: Snapshot): Promise<boolean> {
    const loaded = await this.#options.load(snapshot, this.catalogue.content as unknown as Content);
    if (loaded.catalogue === null) {
      this.#keep("broken", loaded.problems, null);
      return true;
    }
    try {
      await this.#options.apply(loaded.catalogue);
    } catch (error) {
      const isWrong = error instanceof UserError;
      this.#keep(isWrong ? "broken" : "waiting", loaded.problems, messageOf(error));
      return isWrong;
    }
    this.#settle(loaded.catalogue, loaded, this.catalogue.version);
    return true;
  }

  #contentOf({ hash, config: { bytes, fault } }: Snapshot): string {
    if (this.#options.only === undefined) return hash;
    return createHash("sha256")
      .update(bytes ?? `${fault}`)
      .digest("hex");
  }

  /** Nothing of it is in use: neither the good half nor the bad one. */
  #keep(state: "broken" | "waiting", problems: Problem[], because: string | null): void {
    const isNews = this.status.state !== state || this.status.because !== because;
    this.#report({ ...this.status, state, problems, because });
    if (state === "waiting" && !isNews) return;
    const { folder, log } = this.#options;
    const mistakes = [...problems.map(formatProblem), ...(because === null ? [] : [because])];
    log.error(
      { folder, inUse: this.catalogue.version, mistakes },
      `${folder} is ${WHY[state]}: its last good version stays in use`,
    );
  }

  #settle(catalogue: Catalogue, { problems, teams }: Loaded, before: string | null): void {
    const { folder, log } = this.#options;
    const isPartly = teams.some((team) => team.state !== "current");
    const since = catalogue.version === before ? this.status.since : new Date().toISOString();
    this.#catalogue = catalogue;
    const { version } = catalogue;
    this.#report({ folder, version, since, state: isPartly ? "partly" : "current", problems, because: null, teams });
    if (before !== null && before !== version) log.info({ folder, version, before }, "the catalogue has changed");
    for (const { team, state, runbooks } of teams) {
      if (state === "current") continue;
      const mistakes = problems.filter(({ file }) => file.startsWith(`teams/${team}/`)).map(formatProblem);
      const kept = state === "lastGood" ? "its last good runbooks stay in use" : "it has no runbooks in use";
      log.error({ folder, team, runbooks, mistakes }, `the runbooks of team ${team} are wrong: ${kept}`);
    }
  }

  #report(status: FolderStatus): void {
    this.#status = status;
    this.#options.onChange?.(status);
  }

  #withBeside(stamp: string): string {
    return `${stamp}\n${this.#options.beside?.(this.catalogue) ?? ""}`;
  }
}

const WHY = { broken: "wrong", waiting: "right, but cannot be taken over now" } as const;
