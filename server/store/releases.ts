import type { Formation } from "../domain/formation.ts";
import type { ConfigVars, Release } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = {
  id: string; app_id: string; version: number; slug_id: string | null; config: string; formation: string;
  description: string; user_id: string; commit_sha: string | null; created_at: string;
};
const COLUMNS = "id, app_id, version, slug_id, config, formation, description, user_id, commit_sha, created_at";

export type Releases = ReturnType<typeof createReleases>;

/** Releases. There is no update: a trigger of the schema refuses one. */
export function createReleases(db: Db) {
  const nextVersion = db.prepare<[string], { version: number }>(
    "INSERT INTO release_counters (app_id, version) VALUES (?, 1) ON CONFLICT (app_id) DO UPDATE SET version = version + 1 RETURNING version");
  const insert = db.prepare(`INSERT INTO releases (${COLUMNS}) VALUES (@id, @appId, @version, @slugId, @config, @formation, @description, @userId, @commit, @createdAt)`);
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM releases WHERE id = ?`);
  const byVersion = db.prepare<[string, number], Row>(`SELECT ${COLUMNS} FROM releases WHERE app_id = ? AND version = ?`);
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM releases WHERE app_id = ? ORDER BY version`);
  return {
    /** Gives the release its number, the app's next, and writes it. Call inside the transaction that also writes its deployment. */
    insert(release: Omit<Release, "version">): Release {
      const version = nextVersion.get(release.appId)?.version;
      if (version === undefined) throw new Error("the release counter gave no number");
      insert.run({ ...release, version, config: JSON.stringify(release.config), formation: JSON.stringify(release.formation) });
      return { ...release, version };
    },
    find: (id: string): Release | undefined => toRelease(byId.get(id)),
    findByVersion: (appId: string, version: number): Release | undefined => toRelease(byVersion.get(appId, version)),
    /** Oldest first. */
    list: (appId: string): Release[] => byApp.all(appId).map((row) => toRelease(row) as Release),
  };
}

function toRelease(row: Row | undefined): Release | undefined {
  return row && {
    id: row.id, appId: row.app_id, version: row.version, slugId: row.slug_id, config: JSON.parse(row.config) as ConfigVars,
    formation: JSON.parse(row.formation) as Formation, description: row.description, userId: row.user_id,
    commit: row.commit_sha, createdAt: row.created_at,
  };
}
