import type { Build, BuildStatus, SourceBlob } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = {
  id: string; app_id: string; status: BuildStatus; commit_sha: string; source_blob: string | null; buildpack: string | null; slug_id: string | null;
  release_id: string | null; user_id: string; reason: string | null; created_at: string; updated_at: string;
};
const COLUMNS = "id, app_id, status, commit_sha, source_blob, buildpack, slug_id, release_id, user_id, reason, created_at, updated_at";

export type Builds = ReturnType<typeof createBuilds>;

/** Builds. The schema holds at most one pending build per app. */
export function createBuilds(db: Db) {
  const insert = db.prepare(`INSERT INTO builds (${COLUMNS}) VALUES (@id, @appId, @status, @commit, @sourceBlob, @buildpack, @slugId, @releaseId, @userId, @reason, @createdAt, @updatedAt)`);
  const update = db.prepare("UPDATE builds SET status = @status, commit_sha = @commit, buildpack = @buildpack, slug_id = @slugId, release_id = @releaseId, reason = @reason, updated_at = @updatedAt WHERE id = @id");
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM builds WHERE id = ?`);
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM builds WHERE app_id = ? ORDER BY created_at, id`);
  const pending = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM builds WHERE status = 'pending'`);
  const toRow = (build: Build) => ({ ...build, sourceBlob: build.sourceBlob && JSON.stringify(build.sourceBlob) });
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when a build of the app is pending. */
    insert: (build: Build): void => void insert.run(toRow(build)),
    update: (build: Build): void => void update.run(toRow(build)),
    find: (id: string): Build | undefined => toBuild(byId.get(id)),
    /** Oldest first. */
    list: (appId: string): Build[] => byApp.all(appId).map((row) => toBuild(row) as Build),
    pending: (): Build[] => pending.all().map((row) => toBuild(row) as Build),
  };
}

function toBuild(row: Row | undefined): Build | undefined {
  return row && {
    id: row.id, appId: row.app_id, status: row.status, commit: row.commit_sha, sourceBlob: row.source_blob === null ? null : (JSON.parse(row.source_blob) as SourceBlob), buildpack: row.buildpack, slugId: row.slug_id,
    releaseId: row.release_id, userId: row.user_id, reason: row.reason, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}
