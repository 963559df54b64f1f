/** Which apps are whose: asked by the API and by git. */

import type { App, AppPipeline, User } from "../domain/model.ts";
import type { Store } from "../store/store.ts";

/** Admins may use every app, others what they own, what they are collaborators of, and the review apps of both. */
export function mayUse(store: Pick<Store, "apps" | "collaborators" | "reviewApps">, user: User, app: App): boolean {
  const isTheirs = (one: App | undefined): boolean => one !== undefined && (owns(user, one) || store.collaborators.find(one.id, user.id) !== undefined);
  if (isTheirs(app)) return true;
  const review = store.reviewApps.ofApp(app.id);
  return review !== undefined && isTheirs(store.apps.find(review.parentId));
}

/** Whether they may also destroy it, give it away and say who may use it. */
export function owns(user: User, owned: Pick<App | AppPipeline, "ownerId">): boolean {
  return user.admin || owned.ownerId === user.id;
}

/** A pipeline is used by its owner, and by whoever may use an app in it. */
export function mayUsePipeline(store: Pick<Store, "apps" | "collaborators" | "pipelines" | "reviewApps">, user: User, pipeline: AppPipeline): boolean {
  if (user.admin || pipeline.ownerId === user.id) return true;
  const apps = store.pipelines.couplings().filter(({ pipelineId }) => pipelineId === pipeline.id).map(({ appId }) => store.apps.find(appId));
  return apps.some((app) => app !== undefined && mayUse(store, user, app));
}
