import type { ConfigVars, TestRun } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = {
  id: string; app_id: string; pipeline_id: string | null; number: number; status: TestRun["status"]; commit_sha: string; commit_branch: string; commit_message: string;
  exit_code: number | null; reason: string | null; user_id: string; created_at: string; updated_at: string;
};
const COLUMNS = "id, app_id, pipeline_id, number, status, commit_sha, commit_branch, commit_message, exit_code, reason, user_id, created_at, updated_at";

export type TestRuns = ReturnType<typeof createTestRuns>;

/** Runs of apps' tests, and what those of a pipeline's apps find in their environment. */
export function createTestRuns(db: Db) {
  const next = db.prepare<{ appId: string; pipelineId: string | null }, { number: number }>("SELECT coalesce(max(number), 0) + 1 AS number FROM test_runs WHERE app_id = @appId OR pipeline_id = @pipelineId");
  const insert = db.prepare(`INSERT INTO test_runs (${COLUMNS}) VALUES (@id, @appId, @pipelineId, @number, @status, @commit, @branch, @message, @exitCode, @reason, @userId, @createdAt, @updatedAt)`);
  const update = db.prepare("UPDATE test_runs SET status = @status, exit_code = @exitCode, reason = @reason, updated_at = @updatedAt WHERE id = @id");
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM test_runs WHERE id = ?`);
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM test_runs WHERE app_id = ? ORDER BY number`);
  const byPipeline = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM test_runs WHERE pipeline_id = ? ORDER BY number`);
  const open = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM test_runs WHERE status IN ('pending', 'building', 'running')`);
  const beyond = db.prepare<[string, number], Row>(`SELECT ${COLUMNS} FROM test_runs WHERE app_id = ? ORDER BY number DESC LIMIT -1 OFFSET ?`);
  const remove = db.prepare("DELETE FROM test_runs WHERE id = ?");
  const images = db.prepare<[], { image: string }>("SELECT image FROM test_runs WHERE image IS NOT NULL");
  const imagesOfApp = db.prepare<[string], { image: string }>("SELECT image FROM test_runs WHERE app_id = ? AND image IS NOT NULL");
  const dropImages = db.prepare("UPDATE test_runs SET image = NULL WHERE app_id = ? AND image IS NOT NULL");
  const setImage = db.prepare("UPDATE test_runs SET image = @image WHERE id = @id");
  const config = db.prepare<[string], { config: string }>("SELECT config FROM pipeline_test_config WHERE pipeline_id = ?");
  const setConfig = db.prepare(`INSERT INTO pipeline_test_config (pipeline_id, config, updated_at) VALUES (@pipelineId, @config, @now)
    ON CONFLICT (pipeline_id) DO UPDATE SET config = @config, updated_at = @now`);
  return {
    /** Gives the run the next number of its app and its pipeline. */
    insert: (run: Omit<TestRun, "number">): TestRun => db.transaction(() => {
      const numbered: TestRun = { ...run, number: next.get({ appId: run.appId, pipelineId: run.pipelineId })?.number ?? 1 };
      insert.run(numbered);
      return numbered;
    }).immediate(),
    update: (run: TestRun): void => void update.run(run),
    find: (id: string): TestRun | undefined => toRun(byId.get(id)),
    /** Oldest first. */
    ofApp: (appId: string): TestRun[] => byApp.all(appId).map((row) => toRun(row) as TestRun),
    ofPipeline: (pipelineId: string): TestRun[] => byPipeline.all(pipelineId).map((row) => toRun(row) as TestRun),
    /** Those that have not ended. */
    open: (): TestRun[] => open.all().map((row) => toRun(row) as TestRun),
    /** Removes all but the app's last `kept`. @returns those that are gone */
    forget: (appId: string, kept: number): TestRun[] => db.transaction(() => {
      const gone = beyond.all(appId, kept).map((row) => toRun(row) as TestRun);
      for (const { id } of gone) remove.run(id);
      return gone;
    }).immediate(),
    /** What was built for apps' tests and is kept, at most one image of an app. */
    images: (): string[] => images.all().map(({ image }) => image),
    imageOf: (appId: string): string | undefined => imagesOfApp.get(appId)?.image,
    /** Keeps what was built for a run in place of what was kept for its app before; undefined: keeps nothing. @returns what is not kept any more */
    keepImage: (appId: string, built: { runId: string; image: string } | undefined): string[] => db.transaction(() => {
      const before = imagesOfApp.all(appId).map(({ image }) => image);
      dropImages.run(appId);
      if (built) setImage.run({ id: built.runId, image: built.image });
      return before.filter((image) => image !== built?.image);
    }).immediate(),
    config: (pipelineId: string): ConfigVars => JSON.parse(config.get(pipelineId)?.config ?? "{}") as ConfigVars,
    setConfig: (pipelineId: string, vars: ConfigVars, now: string): void => void setConfig.run({ pipelineId, config: JSON.stringify(vars), now }),
  };
}

function toRun(row: Row | undefined): TestRun | undefined {
  return row && {
    id: row.id, appId: row.app_id, pipelineId: row.pipeline_id, number: row.number, status: row.status, commit: row.commit_sha, branch: row.commit_branch, message: row.commit_message,
    exitCode: row.exit_code, reason: row.reason, userId: row.user_id, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}
