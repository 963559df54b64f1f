/** Which apps are whose: asked by the API and by git. */

import type { App, User } from "../domain/model.ts";
import type { Store } from "../store/store.ts";

/** Admins may use every app, others what they own and what they are collaborators of. */
export function mayUse(store: Pick<Store, "collaborators">, user: User, app: App): boolean {
  return owns(user, app) || store.collaborators.find(app.id, user.id) !== undefined;
}

/** Whether they may also destroy it, give it away and say who may use it. */
export function owns(user: User, app: App): boolean {
  return user.admin || app.ownerId === user.id;
}
