/** The lab's own Alertmanager: sends webhooks for what fires, repeats them, and says when it is resolved. */
import { firingAlerts, NEVER_ENDED, payloadOf, type WebhookAlert } from "./alerts.ts";
import type { CancelEvent } from "./clock.ts";
import type { Outbox } from "./outbox.ts";
import { type AlertingOptions, HOUR_MS, SECOND_MS } from "./types.ts";
import { silencedBy } from "./vendors/alertmanager.ts";
import type { World } from "./world.ts";

const EVALUATION_MS = 15 * SECOND_MS;

export class Alerting {
  readonly #world: World;
  readonly #outbox: Outbox;
  readonly #options: AlertingOptions & { webhookUrl: string };
  readonly #externalURL: string;
  /** By fingerprint: what was sent as firing last, and when (lab ms). */
  readonly #sent = new Map<string, { alert: WebhookAlert; at: number }>();
  #next: { at: number; cancel: CancelEvent } | null = null;

  constructor(world: World, outbox: Outbox, options: AlertingOptions & { webhookUrl: string }, externalURL: string) {
    this.#world = world;
    this.#outbox = outbox;
    this.#options = options;
    this.#externalURL = externalURL;
    world.on((entry) => {
      if (entry.system === "hosts" || entry.what === "disk-swapped" || entry.what === "silence-expired")
        this.#evaluateSoon();
    });
    this.#evaluateSoon();
  }

  #evaluateSoon(delayMs = this.#options.groupWaitMs ?? 30 * SECOND_MS): void {
    const at = this.#world.clock.now() + delayMs;
    if (this.#next && this.#next.at <= at) return;
    this.#next?.cancel();
    const cancel = this.#world.clock.at(at, () => {
      this.#next = null;
      this.#evaluate();
    });
    this.#next = { at, cancel };
  }

  #evaluate(): void {
    const now = this.#world.clock.now();
    const repeatMs = this.#options.repeatMs ?? 4 * HOUR_MS;
    const firing = firingAlerts(this.#world).map((alert): WebhookAlert => ({
      ...alert,
      status: "firing",
      endsAt: NEVER_ENDED,
    }));
    const still = new Set(firing.map((alert) => alert.fingerprint));
    const news: WebhookAlert[] = [];
    for (const [fingerprint, { alert }] of this.#sent) {
      if (still.has(fingerprint)) continue;
      this.#sent.delete(fingerprint);
      news.push({ ...alert, status: "resolved", endsAt: this.#world.time() });
    }
    for (const alert of firing) {
      const before = this.#sent.get(alert.fingerprint);
      if (before && before.alert.startsAt === alert.startsAt && now - before.at < repeatMs) continue;
      news.push(alert);
      this.#sent.set(alert.fingerprint, { alert, at: now });
    }
    this.#send(news);
    // Repeats and silences that run out change what is to be said without anything happening in the world.
    if (this.#sent.size > 0) this.#evaluateSoon(Math.max(EVALUATION_MS, this.#nextRepeat(now, repeatMs)));
  }

  #nextRepeat(now: number, repeatMs: number): number {
    return Math.min(...[...this.#sent.values()].map(({ at }) => at + repeatMs - now));
  }

  /** A silenced alert counts as said: it comes with the next repeat after its silence. */
  #send(alerts: WebhookAlert[]): void {
    const loud = alerts.filter((alert) => silencedBy(this.#world, alert.labels).length === 0);
    if (loud.length === 0) return;
    const payload = payloadOf(loud, { receiver: this.#options.receiver ?? "selfheal", externalURL: this.#externalURL });
    const names = loud.map((alert) => `${alert.status} ${alert.labels["host"] ?? ""}`).join(", ");
    this.#world.note({ system: "alertmanager", what: "webhook-sent", detail: names });
    void this.#outbox
      .post("alertmanager", this.#options.webhookUrl, payload, this.#options.headers)
      .then((accepted) => {
        if (accepted) this.#world.acceptedAlerts.push(...loud);
        else if (!this.#outbox.stopped) this.#sayAgain(loud);
      });
  }

  /** What nobody took comes again with the next evaluation, as Alertmanager does it with its next group interval. */
  #sayAgain(alerts: WebhookAlert[]): void {
    for (const alert of alerts) {
      const since = this.#sent.get(alert.fingerprint);
      if (since === undefined ? alert.status === "resolved" : since.alert.startsAt === alert.startsAt)
        this.#sent.set(alert.fingerprint, { alert, at: -Infinity });
    }
    this.#evaluateSoon();
  }
}
