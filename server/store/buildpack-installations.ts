import type { Db } from "./database.ts";

export type BuildpackInstallations = ReturnType<typeof createBuildpackInstallations>;

/** The buildpacks that people set for an app, in order. */
export function createBuildpackInstallations(db: Db) {
  const insert = db.prepare("INSERT INTO buildpack_installations (app_id, ordinal, url) VALUES (?, ?, ?)");
  const clear = db.prepare("DELETE FROM buildpack_installations WHERE app_id = ?");
  const byApp = db.prepare<[string], { url: string }>("SELECT url FROM buildpack_installations WHERE app_id = ? ORDER BY ordinal");
  const replace = db.transaction((appId: string, urls: string[]) => {
    clear.run(appId);
    for (const [ordinal, url] of urls.entries()) insert.run(appId, ordinal, url);
  });
  return {
    replace: (appId: string, urls: string[]): void => void replace(appId, urls),
    /** Their URLs; none: the source says. */
    list: (appId: string): string[] => byApp.all(appId).map(({ url }) => url),
  };
}
