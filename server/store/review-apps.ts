import type { ReviewApp, ReviewAppConfig, ReviewAppStatus } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = {
  id: string; app_id: string | null; parent_id: string; pipeline_id: string | null; branch: string; pr_number: number | null;
  status: ReviewAppStatus; message: string | null; creator_id: string; created_at: string; updated_at: string;
};
type ConfigRow = { pipeline_id: string; automatic: number; destroy_stale: number; stale_days: number; base_name: string | null; created_at: string; updated_at: string };
const COLUMNS = "id, app_id, parent_id, pipeline_id, branch, pr_number, status, message, creator_id, created_at, updated_at";
const CONFIG = "pipeline_id, automatic, destroy_stale, stale_days, base_name, created_at, updated_at";

export type ReviewApps = ReturnType<typeof createReviewApps>;

/** Review apps, and how pipelines make them. The schema holds at most one of a branch that has not failed. */
export function createReviewApps(db: Db) {
  const insert = db.prepare(`INSERT INTO review_apps (${COLUMNS}) VALUES (@id, @appId, @parentId, @pipelineId, @branch, @prNumber, @status, @message, @creatorId, @createdAt, @updatedAt)`);
  const update = db.prepare("UPDATE review_apps SET app_id = @appId, status = @status, message = @message, updated_at = @updatedAt WHERE id = @id");
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM review_apps WHERE id = ?`);
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM review_apps WHERE app_id = ?`);
  const byBranch = db.prepare<[string, string], Row>(`SELECT ${COLUMNS} FROM review_apps WHERE parent_id = ? AND branch = ? AND status <> 'errored'`);
  const all = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM review_apps ORDER BY created_at, id`);
  const remove = db.prepare("DELETE FROM review_apps WHERE id = ?");
  const putConfig = db.prepare(`INSERT OR REPLACE INTO review_app_configs (${CONFIG}) VALUES (@pipelineId, @automatic, @destroyStale, @staleDays, @baseName, @createdAt, @updatedAt)`);
  const config = db.prepare<[string], ConfigRow>(`SELECT ${CONFIG} FROM review_app_configs WHERE pipeline_id = ?`);
  const removeConfig = db.prepare("DELETE FROM review_app_configs WHERE pipeline_id = ?");
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the branch has one. */
    insert: (made: ReviewApp): void => void insert.run(made),
    update: (changed: ReviewApp): void => void update.run(changed),
    find: (id: string): ReviewApp | undefined => toReviewApp(byId.get(id)),
    /** What makes this app a review app. */
    ofApp: (appId: string): ReviewApp | undefined => toReviewApp(byApp.get(appId)),
    ofBranch: (parentId: string, branch: string): ReviewApp | undefined => toReviewApp(byBranch.get(parentId, branch)),
    /** Oldest first. */
    list: (): ReviewApp[] => all.all().map((row) => toReviewApp(row) as ReviewApp),
    remove: (id: string): void => void remove.run(id),
    config: (pipelineId: string): ReviewAppConfig | undefined => toConfig(config.get(pipelineId)),
    setConfig: (wanted: ReviewAppConfig): void => void putConfig.run({ ...wanted, automatic: Number(wanted.automatic), destroyStale: Number(wanted.destroyStale) }),
    removeConfig: (pipelineId: string): void => void removeConfig.run(pipelineId),
  };
}

function toReviewApp(row: Row | undefined): ReviewApp | undefined {
  return row && {
    id: row.id, appId: row.app_id, parentId: row.parent_id, pipelineId: row.pipeline_id, branch: row.branch, prNumber: row.pr_number,
    status: row.status, message: row.message, creatorId: row.creator_id, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}

function toConfig(row: ConfigRow | undefined): ReviewAppConfig | undefined {
  return row && {
    pipelineId: row.pipeline_id, automatic: row.automatic === 1, destroyStale: row.destroy_stale === 1, staleDays: row.stale_days, baseName: row.base_name, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}
