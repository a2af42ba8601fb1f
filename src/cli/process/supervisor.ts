/**
 * Starts the processes of `dev` and `demo`, starts a dead one again, and stops everything in the reverse order of its
 * start. Our end, even by SIGKILL, ends the children (workers/watched.ts).
 */
import { messageOf } from "../../config/user-error.ts";
import { KeptService, type Launch, type Service } from "./kept-service.ts";
import { launchCommand, type CommandOptions } from "./launch-command.ts";

export interface SupervisorOptions {
  onLine: (service: string, line: string) => void;
  /** Something happened to a service: `worker: killed by SIGKILL, starting it again`. */
  onEvent: (service: string, event: string) => void;
}

interface Part {
  name: string;
  stop: () => Promise<void>;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  /** Newest last: stopped from the end. */
  readonly #parts: Part[] = [];
  readonly #failed = Promise.withResolvers<never>();
  #stopping: Promise<void> | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    // Nobody may be looking when it fails; `failed` still rejects for whoever looks later.
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects when something that cannot be started again has ended. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Something else to stop in its turn: a database, a lab, a Temporal server. What comes up too late stops at once. */
  own(name: string, stop: () => Promise<void>): void {
    this.#parts.push({ name, stop });
    if (this.#stopping !== null) this.#stopping = this.#stopping.then(() => this.#drain());
  }

  /** An owned part ended without being asked: everything has failed. */
  fail(error: Error): void {
    if (this.#stopping === null) this.#failed.reject(error);
  }

  /** Starts a selfheal command as a child and resolves when it says that it is ready. */
  start(options: CommandOptions): Promise<Service> {
    return this.keep(
      options.name,
      launchCommand(options, (line) => this.#options.onLine(options.name, line)),
    );
  }

  /** Anything that `launch` can start again as it was: a server whose data lies on the disk. */
  async keep(name: string, launch: Launch): Promise<Service> {
    const kept = new KeptService(name, launch, {
      onEvent: (event) => this.#options.onEvent(name, event),
      giveUp: (error) => this.fail(error),
    });
    this.own(name, () => kept.stop());
    await kept.start();
    return kept;
  }

  /** Everything, newest first; says what could not be stopped and goes on. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  async #drain(): Promise<void> {
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) await this.#stopOne(part);
  }

  async #stopOne(part: Part): Promise<void> {
    try {
      await part.stop();
    } catch (error) {
      this.#options.onEvent(part.name, `could not be stopped: ${messageOf(error)}`);
    }
  }
}
