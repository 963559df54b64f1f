/** One-off dynos that never run: the API's side of them alone. */

import { randomUUID } from "node:crypto";
import type { App, Release } from "../../server/domain/model.ts";
import { notFound } from "../../server/errors.ts";
import type { OneOffs, RunRequest } from "../../server/pipeline/one-offs.ts";
import type { DynoView } from "../../server/pipeline/dyno.ts";

export const SECRET = "5".repeat(64);

/** @param asked takes what was asked for, such as `run rake in 80x24`. */
export function createFakeOneOffs(asked: string[], current: (app: App) => Release): OneOffs {
  const view = (app: App, { command, terminal, env }: RunRequest, how: string): DynoView => {
    asked.push([how, command, ...(terminal ? [`in ${terminal.columns}x${terminal.rows}`] : []), ...Object.entries(env).map(([key, value]) => `${key}=${value}`)].join(" "));
    const { id, version } = current(app);
    const at = new Date().toISOString();
    return { id: randomUUID(), name: "run.1234", type: "run", command, size: "standard", state: "starting", release: { id, version }, createdAt: at, updatedAt: at };
  };
  return {
    attach: async (app, request) => ({ view: view(app, request, "run"), secret: SECRET }),
    async inside(app, dyno, request) {
      if (dyno !== "web.1") throw notFound("dyno");
      return { view: view(app, request, `inside ${dyno}`), secret: SECRET };
    },
    detach: async (app, request) => view(app, request, "detach"),
    fetch: () => undefined,
    list: async () => [],
    stop: async () => false,
    start: () => undefined,
    close: () => undefined,
  };
}
