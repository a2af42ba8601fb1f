/** Puts the record together: one object for starters, activities and readers, over one pool of connections. */
import { sql } from "kysely";
import { admit } from "./admission.ts";
import { saveAssessment } from "./assessments.ts";
import type { RecordStore } from "./api.ts";
import { decide } from "./approvals.ts";
import { auditLag } from "./audit/lag.ts";
import { makeManifest } from "./audit/manifest.ts";
import { appendAudit, auditRows, newestOfControl } from "./audit.ts";
import * as apiTokens from "./api-tokens.ts";
import * as catalogues from "./catalogues.ts";
import { readNow } from "./clock.ts";
import { command } from "./commands.ts";
import { changes } from "./changes.ts";
import * as controls from "./controls.ts";
import * as breakers from "./breakers.ts";
import { countFacts } from "./counted.ts";
import { saveGroupHealth } from "./counted-shared.ts";
import { saveReading } from "./counted-surroundings.ts";
import * as effects from "./effects.ts";
import * as episodes from "./episodes.ts";
import { escalation, escalationSent } from "./escalations.ts";
import * as holds from "./holds.ts";
import * as ingest from "./ingest.ts";
import * as keptRequests from "./kept-requests.ts";
import * as leases from "./leases.ts";
import * as leftOut from "./left-out.ts";
import * as measures from "./measures.ts";
import { isMigrated, migrate } from "./migrate.ts";
import { type Database, inTransaction, openDatabase, type PoolOptions } from "./pool.ts";
import * as modes from "./modes.ts";
import { open } from "./open.ts";
import * as notifications from "./notifications.ts";
import * as problems from "./problems.ts";
import * as reports from "./reports.ts";
import * as postmortems from "./postmortems.ts";
import * as queries from "./queries.ts";
import { admissibleWaiters, keepPlace, leaveQueue } from "./queue.ts";
import * as findings from "./findings.ts";
import * as reviews from "./reviews.ts";
import * as signedBodies from "./signed-bodies.ts";
import * as standing from "./standing.ts";
import * as sweep from "./sweep.ts";
import * as home from "./temporal-home.ts";
import { planOf, saveDecision } from "./verdicts.ts";
import { issueToken } from "./tokens.ts";
import { queueRows, waitingUnder } from "./waiting.ts";
import * as waits from "./waits.ts";
import * as windows from "./windows.ts";

export type RecordOptions = PoolOptions;

/**
 * Opens the record, bringing the database to this version's schema first where it must be.
 * @throws RecordUnavailable when the database cannot be reached, SchemaTooNew when a newer selfheal has been there.
 */
export async function openRecord(databaseUrl: string, options: RecordOptions = {}): Promise<RecordStore> {
  const db = openDatabase(databaseUrl, options);
  try {
    if (!(await isMigrated(db, databaseUrl))) await migrate(databaseUrl);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return recordOver(db);
}

function recordOver(db: Database): RecordStore {
  return {
    ...writersOfEpisodes(db),
    ...writersOfEffects(db),
    ...readers(db),
    ...sweeping(db),
    ...guarding(db),
    ...surrounding(db),
    ...earning(db),
    ...serving(db),
    ...measuring(db),
    ...learning(db),
    ...identifying(db),
    ...notifying(db),
    temporalHome: () => home.temporalHome(db),
    pinTemporal: (seen) => home.pinTemporal(db, seen),
    moveTemporal: (to, by, reason) => home.moveTemporal(db, to, by, reason),
    manifest: (sinkOf, how) => makeManifest(db, sinkOf, how),
    now: () => readNow(db),
    ping: async () => {
      await sql`select 1`.execute(db);
    },

    receive: (alerts) => ingest.receive(db, alerts),
    markDelivered: (keys) => ingest.markDelivered(db, keys),
    returnToOutbox: (faults) => ingest.returnToOutbox(db, faults),
    undelivered: (olderThanMs, limit) => ingest.undelivered(db, olderThanMs, limit),

    saveCatalogue: (version, content) => catalogues.saveCatalogue(db, version, content),
    activateCatalogue: (version, origin = null) => catalogues.activateCatalogue(db, version, origin),
    activeVersion: () => catalogues.activeVersion(db),
    catalogue: (version) => catalogues.catalogue(db, version),

    pause: (wish) => controls.pause(db, wish),
    resume: (id, by) => controls.resume(db, id, by),
    pauses: () => controls.activePauses(db),

    end: () => db.destroy(),
  };
}

function writersOfEpisodes(db: Database) {
  return {
    open: (episode) => open(db, episode),
    progress: (remediationId, phase, doing, until) => episodes.progress(db, remediationId, { phase, doing, until }),
    append: async (chain, key, kind, body) => {
      await inTransaction(db, (tx) => appendAudit(tx, { chain, key, kind, body }));
    },
    saveDecision: (remediationId, verdict, plan, planHash, catalogueVersion) =>
      saveDecision(db, { remediationId, verdict, plan, planHash, catalogueVersion }),
    decide: (decision) => decide(db, decision),
    issueToken: (wish) => issueToken(db, wish),
    admit: (request) => admit(db, request),
    command: (given) => command(db, given),
    keepPlace: (remediationId) => keepPlace(db, remediationId),
    leaveQueue: (remediationId) => leaveQueue(db, remediationId),
    orphanLeases: (remediationId, reason) => leases.orphanLeases(db, remediationId, reason),
    markNeedsHuman: (remediationId, reason) => leases.markNeedsHuman(db, remediationId, reason),
    releaseLeases: (remediationId, by, reason) => leases.releaseLeases(db, remediationId, by, reason),
    saveAssessment: (assessment) => saveAssessment(db, assessment),
    close: (request) => episodes.close(db, request),
  } satisfies Partial<RecordStore>;
}

function writersOfEffects(db: Database) {
  return {
    beginEffect: (intent) => effects.beginEffect(db, intent),
    settleEffect: (key, state, result, detail, times = {}) =>
      effects.settleEffect(db, key, { state, result, detail, ...times }),
    vouchEffect: (intent, result, detail) => effects.vouchEffect(db, intent, result, detail),
    wait: (row) => waits.wait(db, row),
    endWait: (key) => waits.endWait(db, key),
    markSeen: (key, seen) => waits.markSeen(db, key, seen),
    escalation: (row) => escalation(db, row),
    escalationSent: (remediationId, key, error) => escalationSent(db, remediationId, key, error),
  } satisfies Partial<RecordStore>;
}

function readers(db: Database) {
  return {
    plan: (remediationId) => planOf(db, remediationId),
    countedFacts: (remediationId, plan, planHash) => countFacts(db, remediationId, plan, planHash),
    admissibleWaiters: (limit) => admissibleWaiters(db, limit),
    leases: () => leases.leaseRows(db),
    effect: (key) => effects.effectOf(db, key),
    mayHaveDone: (remediationId, action) => effects.mayHaveDone(db, remediationId, action),
    unsettledEffects: (olderThanMs, limit) => effects.unsettledEffects(db, olderThanMs, limit),
    openWaits: (system, refs) => waits.openWaits(db, system, refs),
    list: (filter) => queries.list(db, filter),
    find: (text) => queries.find(db, text),
    story: (remediationId) => queries.story(db, remediationId),
    audit: (chain) => auditRows(db, chain),
    newestOfControl: (before, limit) => newestOfControl(db, before, limit),
    auditLag: (windowMs) => auditLag(db, windowMs),
    alerts: (filter) => ingest.listAlerts(db, filter),
    target: (ref) => queries.targetHistory(db, ref),
  } satisfies Partial<RecordStore>;
}

function guarding(db: Database) {
  return {
    queue: () => queueRows(db),
    trip: (remediationId, results) => breakers.trip(db, remediationId, results),
    breakers: () => breakers.openBreakers(db),
    resetBreakers: (reset) => breakers.resetBreakers(db, reset),
    waitingUnder: (scope) => waitingUnder(db, scope),
    saveGroupHealth: (group, read) => saveGroupHealth(db, group, read),
    leftOut: () => leftOut.leftOutTargets(db),
    back: (target, by, reason) => leftOut.back(db, target, by, reason),
  } satisfies Partial<RecordStore>;
}

function surrounding(db: Database) {
  return {
    openWindow: (wish) => windows.openWindow(db, wish),
    closeWindows: (ids, by) => windows.closeWindows(db, ids, by),
    windows: () => windows.openWindows(db),
    hold: (wish) => holds.hold(db, wish),
    releaseHold: (target, holder, by) => holds.releaseHold(db, target, holder, by),
    holds: () => holds.holds(db),
    ownHolds: () => holds.ownHolds(db),
    saveReading: (what, about, read) => saveReading(db, what, about, read),
    telling: (remediationId) => windows.telling(db, remediationId),
    holdEscalation: (remediationId, key, until, window) =>
      windows.holdEscalation(db, remediationId, key, until, window),
  } satisfies Partial<RecordStore>;
}

function earning(db: Database) {
  return {
    modes: () => modes.modesInForce(db),
    setMode: (wish) => modes.setMode(db, wish),
    beat: (seen) => modes.beat(db, seen),
    grantStanding: (declared, isActive = true) => standing.grantStanding(db, declared, isActive),
    giveStanding: (wish) => standing.giveStanding(db, wish),
    withdrawStanding: (id, by) => standing.withdrawStanding(db, id, by),
    lapseStanding: (current, declared) => standing.lapseStanding(db, current, declared),
    standing: () => standing.usableStanding(db),
    standingRows: () => standing.standingRows(db),
    review: (one) => reviews.review(db, one),
    cases: (windowMs, only) => reviews.cases(db, windowMs, only),
    attest: (attestation) => reviews.attest(db, attestation),
    attestations: (runbook, runbookHash) => reviews.attestations(db, runbook, runbookHash),
  } satisfies Partial<RecordStore>;
}

function serving(db: Database) {
  return {
    claimRequest: (claim) => keptRequests.claimRequest(db, claim),
    keepAnswer: (claim, answer) => keptRequests.keepAnswer(db, claim, answer),
    giveUpRequest: (claim) => keptRequests.giveUpRequest(db, claim),
    changes: (after, limit) => changes(db, after, limit),
    verdicts: (remediationId) => queries.verdictsOf(db, remediationId),
  } satisfies Partial<RecordStore>;
}

function measuring(db: Database) {
  return {
    measured: (wish) => measures.measured(db, wish),
    trouble: (since) => measures.trouble(db, since),
    unmatchedAlerts: (wish) => measures.unmatchedAlerts(db, wish),
    reviewsSince: (since) => measures.reviewsSince(db, since),
    liveState: () => measures.liveState(db),
  } satisfies Partial<RecordStore>;
}

function learning(db: Database) {
  return {
    postmortemsToMake: (limit) => postmortems.postmortemsToMake(db, limit),
    savePostmortem: (made) => postmortems.savePostmortem(db, made),
    postmortem: (remediationId) => postmortems.postmortem(db, remediationId),
    postmortemsToSend: (limit) => postmortems.postmortemsToSend(db, limit),
    postmortemSent: (remediationId, error) => postmortems.postmortemSent(db, remediationId, error),
    problemLinks: (since) => problems.problemLinks(db, since),
    foundProblem: (found) => problems.foundProblem(db, found),
    openProblems: () => problems.openProblems(db),
    claimTicket: (key, lifeMs) => problems.claimTicket(db, key, lifeMs),
    problemTicket: (key, ticketId, url) => problems.problemTicket(db, key, ticketId, url),
    problemFailed: (key, error) => problems.problemFailed(db, key, error),
    problemNoted: (key, remediationId) => problems.problemNoted(db, key, remediationId),
    closeProblem: (key) => problems.closeProblem(db, key),
    problemOf: (remediationId) => problems.problemOf(db, remediationId),
    began: () => reports.began(db),
    saveReport: (made) => reports.saveReport(db, made),
    report: (period) => reports.report(db, period),
    reportsToSend: (limit) => reports.reportsToSend(db, limit),
    reportSent: (period, error) => reports.reportSent(db, period, error),
  } satisfies Partial<RecordStore>;
}

function identifying(db: Database) {
  return {
    createApiToken: (wish) => apiTokens.createApiToken(db, wish),
    revokeApiToken: (which, by) => apiTokens.revokeApiToken(db, which, by),
    apiTokens: () => apiTokens.apiTokens(db),
    apiTokenOf: (secret) => apiTokens.apiTokenOf(db, secret),
    hasApiTokens: () => apiTokens.hasApiTokens(db),
    signedBodySeen: (digest) => signedBodies.signedBodySeen(db, digest),
    signedBodyTaken: (body) => signedBodies.signedBodyTaken(db, body),
  } satisfies Partial<RecordStore>;
}

function notifying(db: Database) {
  return {
    threads: (remediationId) => notifications.threads(db, remediationId),
    keepThread: (thread, was) => notifications.keepThread(db, thread, was),
    staleThreads: (limit) => notifications.staleThreads(db, limit),
    threadShown: (thread, error) => notifications.threadShown(db, thread, error),
    channelTried: (tried) => notifications.channelTried(db, tried),
  } satisfies Partial<RecordStore>;
}

function sweeping(db: Database) {
  return {
    heartbeat: (source, alertname, withinMs) => sweep.heartbeat(db, source, alertname, withinMs),
    openEpisodes: (limit) => sweep.openEpisodes(db, limit),
    orphanedLeases: (olderThanMs, limit) => sweep.orphanedLeases(db, olderThanMs, limit),
    lostAlerts: (olderThanMs, limit) => sweep.lostAlerts(db, olderThanMs, limit),
    queueOfClosed: (limit) => sweep.queueOfClosed(db, limit),
    unsettledOfClosed: (olderThanMs, limit) => sweep.unsettledOfClosed(db, olderThanMs, limit),
    recentEffects: (action, limit) => sweep.recentEffects(db, action, limit),
    unsentEscalations: (limit) => sweep.unsentEscalations(db, limit),
    saveSweep: (swept) => findings.saveSweep(db, swept),
    saveFinding: (finding) => findings.saveFinding(db, finding),
    claimTelling: (key) => findings.claimTelling(db, key),
    findings: () => findings.findings(db),
    findingsTold: (keys, error) => findings.findingsTold(db, keys, error),
    lastSweep: () => findings.lastSweep(db),
  } satisfies Partial<RecordStore>;
}
