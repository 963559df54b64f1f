/** The birth, the new name and the end of an app. */

import { randomUUID } from "node:crypto";
import { assertAppName, randomAppName } from "../domain/app-name.ts";
import type { App } from "../domain/model.ts";
import type { BuildLogs } from "./build-log.ts";
import { invalidParams } from "../errors.ts";
import { converge } from "./converge.ts";
import type { Parts } from "./parts.ts";
import type { Pipeline } from "./pipeline.ts";
import { createRelease, currentTarget } from "./release.ts";
import { serveCertificates } from "./served-certificates.ts";
import { discardImage } from "./slug-image.ts";
import { logIdsOf } from "./test-gate.ts";

type Lifecycle = Pick<Pipeline, "createApp" | "renameApp" | "destroyApp">;

/** @param removeRepository forgets the app's git repository. */
export function createAppLifecycle(parts: Parts, logs: Pick<BuildLogs, "remove">, removeRepository: (appId: string) => Promise<void>): Lifecycle {
  const { store, engine, router, lock, log, events } = parts;

  const claim = (name: string, write: () => void): void => {
    if (store.apps.find(name)) throw invalidParams(`name: Name ${name} is already taken.`);
    write();
  };

  /** The app's own host came or went, or all its hosts. What the router does not hear now, it hears at the supervisor's next look. */
  const tidyCertificates = (app: string): Promise<void> => serveCertificates(parts).catch((error: unknown) => log.warn({ app, err: error }, "certificates are left for the next look"));

  return {
    async createApp(wanted, user, { ownerId = user.id, config = {} } = {}) {
      const name = wanted ?? freeName(parts);
      assertAppName(name);
      const at = parts.now();
      const app: App = { id: randomUUID(), name, ownerId, createdAt: at, updatedAt: at };
      store.transaction(() => {
        claim(name, () => store.apps.insert(app));
        const { deployment } = createRelease(parts, app, { slug: undefined, config, formation: {}, description: "Initial release", user });
        store.deployments.makeCurrent(deployment, at);
      });
      log.info({ app: name }, "app created");
      events.emit({ kind: "app_created", app, email: user.email });
      // Its host says from now on that nothing is deployed yet (H81). A router that is away hears of it at the supervisor's next look.
      await lock.run(app.id, () => converge(parts, currentTarget(parts, app))).catch((error: unknown) => log.warn({ app: name, err: error }, "the router does not know the new app yet"));
      return app;
    },

    renameApp: (app, name) =>
      lock.run(app.id, async () => {
        assertAppName(name);
        if (name === app.name) return app;
        store.transaction(() => claim(name, () => store.apps.rename(app.id, name, parts.now())));
        const renamed: App = { ...app, name };
        try {
          await converge(parts, currentTarget(parts, renamed));
        } catch (error) {
          store.apps.rename(app.id, app.name, parts.now());
          throw error;
        }
        await tidyCertificates(name);
        log.info({ app: name, before: app.name }, "app renamed");
        return renamed;
      }),

    destroyApp: (app) =>
      lock.run(app.id, async () => {
        parts.health.watch(app.id, undefined, []);
        await router.remove(app.id);
        const dynos = await engine.dynos(app.id);
        const images = [...store.slugs.kept(app.id).map(({ image }) => image), ...store.testRuns.keepImage(app.id, undefined)];
        const printed = [...store.builds.list(app.id).map(({ id }) => id), ...store.testRuns.ofApp(app.id).flatMap(logIdsOf)];
        // From here on the app is gone for its users; what a crash leaves behind, the sweep at the next start removes.
        store.apps.remove(app.id);
        await tidyCertificates(app.name);
        await Promise.all(dynos.map(({ id }) => engine.discardDyno(id, parts.config.limits.stopSeconds * 1000)));
        await engine.removeApp(app.id);
        await Promise.all(images.map((image) => discardImage(parts, image)));
        await removeRepository(app.id);
        await logs.remove(printed);
        events.emit({ kind: "app_destroyed", appId: app.id });
        log.info({ app: app.name }, "app destroyed");
      }),
  };
}

/** A made-up name that no app has. */
export function freeName({ store }: Pick<Parts, "store">): string {
  for (;;) {
    const name = randomAppName();
    if (!store.apps.find(name)) return name;
  }
}
