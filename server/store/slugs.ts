import { EMPTY_APP_JSON, type AppJson } from "../domain/app-json.ts";
import type { ProcessTypes, Slug } from "../domain/model.ts";
import type { OwnImage } from "../domain/own-image.ts";
import type { Db } from "./database.ts";

type Row = {
  id: string; app_id: string; image: string; commit_sha: string; buildpack: string; buildpacks: string; process_types: string;
  app_json: string; stack: string; size: number; checksum: string | null; pruned_at: string | null; created_at: string; own_image: string | null;
};
const COLUMNS = "id, app_id, image, commit_sha, buildpack, buildpacks, process_types, app_json, stack, size, checksum, pruned_at, created_at, own_image";

export type Slugs = ReturnType<typeof createSlugs>;

/** Slugs: what builds made. */
export function createSlugs(db: Db) {
  const insert = db.prepare(`INSERT INTO slugs (${COLUMNS}) VALUES (@id, @appId, @image, @commit, @buildpack, @buildpacks, @processTypes, @appJson, @stack, @size, @checksum, @prunedAt, @createdAt, @ownImage)`);
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM slugs WHERE id = ?`);
  const images = db.prepare<[], { image: string }>("SELECT DISTINCT image FROM slugs WHERE pruned_at IS NULL");
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM slugs WHERE app_id = ? AND pruned_at IS NULL`);
  // Newest first by the last release that used the slug: those are the ones that a rollback is likely to want.
  const unused = db.prepare<{ appId: string; releases: number }, Row>(`
    SELECT ${COLUMNS} FROM slugs WHERE app_id = @appId AND pruned_at IS NULL AND id NOT IN (
      SELECT slug_id FROM releases JOIN slugs s ON s.id = slug_id AND s.pruned_at IS NULL WHERE releases.app_id = @appId GROUP BY slug_id ORDER BY max(version) DESC LIMIT @releases
    )`);
  const prune = db.prepare("UPDATE slugs SET pruned_at = ? WHERE id = ?");
  return {
    insert: (slug: Slug): void => void insert.run({ ...slug, buildpacks: JSON.stringify(slug.buildpacks), processTypes: JSON.stringify(slug.processTypes), appJson: JSON.stringify(slug.appJson), ownImage: slug.ownImage ? JSON.stringify(slug.ownImage) : null }),
    find: (id: string): Slug | undefined => toSlug(byId.get(id)),
    /** Slugs of the app whose image is still there. */
    kept: (appId: string): Slug[] => byApp.all(appId).map((row) => toSlug(row) as Slug),
    /** Kept slugs that none of the app's last `releases` slug-bearing releases uses. */
    beyond: (appId: string, releases: number): Slug[] => unused.all({ appId, releases }).map((row) => toSlug(row) as Slug),
    markPruned: (id: string, now: string): void => void prune.run(now, id),
    /** Every image that some kept slug names. */
    images: (): string[] => images.all().map((row) => row.image),
  };
}

/** Rows of earlier versions know fewer keys of app.json. */
function toSlug(row: Row | undefined): Slug | undefined {
  return row && {
    id: row.id, appId: row.app_id, image: row.image, commit: row.commit_sha, buildpack: row.buildpack, buildpacks: JSON.parse(row.buildpacks) as string[],
    processTypes: JSON.parse(row.process_types) as ProcessTypes, appJson: { ...EMPTY_APP_JSON, ...(JSON.parse(row.app_json) as Partial<AppJson>) },
    stack: row.stack, size: row.size, checksum: row.checksum, prunedAt: row.pruned_at, createdAt: row.created_at,
    ...(row.own_image === null ? {} : { ownImage: JSON.parse(row.own_image) as OwnImage }),
  };
}
