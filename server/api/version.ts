import type { FastifyInstance } from "fastify";
import { AppError } from "../errors.ts";

const ASKED = /application\/vnd\.heroku\+json\s*;\s*version\s*=\s*"?([^\s;,"]*)/gi;

/** Version 3 and its variants (`3.sdk`, `3.pipelines` …) are served; who asks for another by Heroku's media type gets 406. */
export function serveVersion3(api: FastifyInstance): void {
  api.addHook("onRequest", async ({ headers }) => {
    const versions = [...(headers.accept ?? "").matchAll(ASKED)].map(([, version]) => version ?? "");
    if (versions.length > 0 && !versions.some((version) => /^3(\.|$)/.test(version)))
      throw new AppError("not_acceptable", "This API has version 3 only: send Accept: application/vnd.heroku+json; version=3.");
  });
}
