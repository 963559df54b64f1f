/** Builds, releases and dynos as webhooks are told of them: Heroku's fields, and nothing that takes a protected scope to see. */

import type { App, Build, Release, User } from "../domain/model.ts";
import type { DynoRef } from "../pipeline/events.ts";

type Person = Pick<User, "id" | "email"> | undefined;

export function buildData(app: App, build: Build, user: Person) {
  return {
    app: appRef(app), buildpacks: null, created_at: build.createdAt, id: build.id, release: build.releaseId === null ? null : { id: build.releaseId }, slug: build.slugId === null ? null : { id: build.slugId },
    source_blob: { version: build.commit }, status: build.status, updated_at: build.updatedAt, user: userRef(user),
  };
}

export function releaseData(app: App, release: Release, user: Person, status: "pending" | "succeeded" | "failed") {
  return {
    app: appRef(app), created_at: release.createdAt, description: release.description, id: release.id, slug: release.slugId === null ? null : { id: release.slugId, commit: release.commit },
    status, updated_at: release.createdAt, user: userRef(user), version: release.version,
  };
}

export function dynoData(app: App, { name, releaseVersion }: DynoRef, state: "starting" | "up" | "crashed" | "down") {
  return { app: appRef(app), name, release: { version: releaseVersion }, state, type: name.split(".")[0] };
}

function appRef({ id, name }: App) {
  return { id, name };
}

function userRef(user: Person) {
  return user ? { id: user.id, email: user.email } : null;
}
