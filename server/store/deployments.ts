import { canBecome, type DeploymentState } from "../domain/deployment.ts";
import type { Deployment } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; app_id: string; release_id: string; state: DeploymentState; reason: string | null; created_at: string; updated_at: string };
const COLUMNS = "id, app_id, release_id, state, reason, created_at, updated_at";

export type Deployments = ReturnType<typeof createDeployments>;

/** Deployments: where each release stands, and which one is current. */
export function createDeployments(db: Db) {
  const insert = db.prepare(`INSERT INTO deployments (${COLUMNS}) VALUES (@id, @appId, @releaseId, @state, @reason, @createdAt, @updatedAt)`);
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM deployments WHERE id = ?`);
  const byRelease = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM deployments WHERE release_id = ?`);
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM deployments WHERE app_id = ?`);
  const current = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM deployments WHERE app_id = ? AND state = 'current'`);
  const running = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM deployments WHERE state IN ('pending', 'releasing', 'starting')`);
  const setState = db.prepare("UPDATE deployments SET state = @to, reason = @reason, updated_at = @now WHERE id = @id AND state = @from");

  const move = (deployment: Deployment, to: DeploymentState, now: string, reason: string | null = null): Deployment => {
    if (!canBecome(deployment.state, to)) throw new Error(`a deployment cannot go from ${deployment.state} to ${to}`);
    const { changes } = setState.run({ id: deployment.id, from: deployment.state, to, reason, now });
    if (changes !== 1) throw new Error(`deployment ${deployment.id} is no longer ${deployment.state}`);
    return { ...deployment, state: to, reason, updatedAt: now };
  };

  return {
    insert: (deployment: Deployment): void => void insert.run(deployment),
    find: (id: string): Deployment | undefined => toDeployment(byId.get(id)),
    ofRelease: (releaseId: string): Deployment | undefined => toDeployment(byRelease.get(releaseId)),
    list: (appId: string): Deployment[] => byApp.all(appId).map((row) => toDeployment(row) as Deployment),
    current: (appId: string): Deployment | undefined => toDeployment(current.get(appId)),
    /** Deployments that were being worked on, of all apps: what a crash leaves behind. */
    running: (): Deployment[] => running.all().map((row) => toDeployment(row) as Deployment),
    /** @throws Error when the state machine has no such way, or somebody else moved it. */
    move,
    /** Makes this deployment the app's current one and the one before it superseded, in one step. */
    makeCurrent: db.transaction((deployment: Deployment, now: string): Deployment => {
      const before = toDeployment(current.get(deployment.appId));
      if (before?.id === deployment.id) return before;
      if (before) move(before, "superseded", now);
      return move(deployment, "current", now);
    }),
  };
}

function toDeployment(row: Row | undefined): Deployment | undefined {
  return row && { id: row.id, appId: row.app_id, releaseId: row.release_id, state: row.state, reason: row.reason, createdAt: row.created_at, updatedAt: row.updated_at };
}
