/** An app of a test's platform with its repository: changed, pushed and asked in one line each. */

import { createInvariants, refOf, withoutRequests, type Invariants } from "./invariants.ts";
import { workspace, type Result, type Running, type Workspace } from "./git-client.ts";
import type { Paas } from "./paas.ts";
import { smallApp, type Behaviour } from "./small-app.ts";

export type DeployedApp = {
  name: string;
  id: string;
  repository: Workspace;
  /** Commits the app with this behaviour. @returns the commit's id */
  change(behaviour: Behaviour): Promise<string>;
  /** Starts a push of what was committed. */
  start(): Running;
  /** Commits and pushes; fails the test when the push is rejected. @returns the release's number */
  push(behaviour: Behaviour): Promise<number>;
  /** The commit that main points at on the platform. */
  ref(): string | undefined;
  /** What `GET /` answers, and the like. */
  text(path?: string): Promise<string>;
};

/** Creates the app by its first push. Releases that the client was told of are kept an eye on where invariants are given. */
export async function deploy(paas: Paas, name: string, behaviour: Behaviour = {}, invariants: Pick<Invariants, "acknowledge"> = createInvariants(paas)): Promise<DeployedApp> {
  const repository = await workspace();
  const app: DeployedApp = {
    name, id: "", repository,
    change: (next) => repository.commit(smallApp(next)),
    start: () => repository.start("push", paas.remote(app.name), "main"),
    async push(next) {
      const commit = await app.change(next);
      const result = await app.start().done;
      if (result.code !== 0) throw new Error(`the push to ${app.name} was rejected:\n${result.output}\n${withoutRequests(paas.output())}`);
      const version = releasedVersion(result);
      invariants.acknowledge(app.name, { version, commit });
      return version;
    },
    ref: () => refOf(paas.dataDir, app.id),
    text: async (path = "/") => (await paas.get(app.name, path)).body,
  };
  await app.push(behaviour);
  app.id = (await paas.api<{ id: string }>("GET", `/apps/${name}`)).body.id;
  return app;
}

/** The number in `Released v12`. @throws Error when the push did not say it */
export function releasedVersion({ output }: Pick<Result, "output">): number {
  const version = /Released v(\d+)/.exec(output)?.[1];
  if (version === undefined) throw new Error(`no release in:\n${output}`);
  return Number(version);
}
