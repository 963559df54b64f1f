/** A real database file in a folder of its own, gone when the test is over; and rows to put into it. */

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { EMPTY_APP_JSON } from "../../server/domain/app-json.ts";
import type { App, Build, Deployment, Release, Slug, User } from "../../server/domain/model.ts";
import { createStore, type Store } from "../../server/store/store.ts";

export const MIGRATIONS = join(import.meta.dirname, "../../migrations");
export const AT = "2026-01-01T00:00:00.000Z";

/** A folder that is gone when the test is over. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "paas-store-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type TestStore = Store & { file: string; user: User };

/** An open store with one user. */
export function openStore(file = join(scratchFolder(), "paas.db")): TestStore {
  const store = createStore(file, MIGRATIONS);
  onTestFinished(() => store.close());
  return { ...store, file, user: store.users.findFirstAdmin() ?? store.users.create("admin@example.com", { admin: true }) };
}

export function addApp(store: TestStore, name = `app-${randomUUID().slice(0, 8)}`): App {
  const app: App = { id: randomUUID(), name, ownerId: store.user.id, createdAt: AT, updatedAt: AT };
  store.apps.insert(app);
  return app;
}

export function addSlug(store: TestStore, app: App, image = `sha256:${randomUUID()}`): Slug {
  const slug: Slug = {
    id: randomUUID(), appId: app.id, image, commit: "c0ffee", buildpack: "Node.js", buildpacks: ["nodejs"], processTypes: { web: "node s.js" },
    appJson: EMPTY_APP_JSON, stack: "debian-12", size: 1, checksum: null, prunedAt: null, createdAt: AT,
  };
  store.slugs.insert(slug);
  return slug;
}

export function addRelease(store: TestStore, app: App, slug?: Slug): Release {
  return store.releases.insert({
    id: randomUUID(), appId: app.id, slugId: slug?.id ?? null, config: { A: "1" }, formation: { web: { quantity: 1, size: "standard" } },
    description: "Deploy c0ffee", userId: store.user.id, commit: slug?.commit ?? null, createdAt: AT,
  });
}

export function addDeployment(store: TestStore, release: Release): Deployment {
  const deployment: Deployment = { id: randomUUID(), appId: release.appId, releaseId: release.id, state: "pending", reason: null, createdAt: AT, updatedAt: AT };
  store.deployments.insert(deployment);
  return deployment;
}

export function newBuild(store: TestStore, app: App): Build {
  return { id: randomUUID(), appId: app.id, status: "pending", commit: "c0ffee", sourceBlob: null, buildpack: null, slugId: null, releaseId: null, userId: store.user.id, reason: null, createdAt: AT, updatedAt: AT };
}
