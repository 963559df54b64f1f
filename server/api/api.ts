/** Heroku's Platform API v3 (devcenter: platform-api-reference), as far as it is served: docs/api.md lists the routes. */

import type { FastifyInstance } from "fastify";
import { serveAccount } from "./account.ts";
import { serveAcm } from "./acm.ts";
import { serveAddons } from "./addons.ts";
import { serveApps } from "./apps.ts";
import { guard } from "./auth.ts";
import { createBuildOutputUrls, serveBuildOutput } from "./build-output.ts";
import { serveBuildpackInstallations } from "./buildpack-installations.ts";
import { serveBuilds } from "./builds.ts";
import { serveCollaborators } from "./collaborators.ts";
import { serveConfigVars } from "./config-vars.ts";
import type { ApiDeps } from "./deps.ts";
import { serveDomains } from "./domains.ts";
import { serveDynos } from "./dynos.ts";
import { answerConditionally } from "./etag.ts";
import { serveFeatures } from "./features.ts";
import { serveFormation } from "./formation.ts";
import { serveHealth } from "./health.ts";
import { servePipelineCouplings } from "./pipeline-couplings.ts";
import { servePlatform } from "./platform.ts";
import { serveReleases } from "./releases.ts";
import { serveSniEndpoints } from "./sni-endpoints.ts";
import { serveVersion3 } from "./version.ts";

export type { ApiDeps } from "./deps.ts";

/** No request is counted or refused; Heroku's Ruby client paces itself by this figure. */
const RATE_LIMIT_REMAINING = "4500";

/** Adds the API's routes. Everything but `/health` and a build's output, whose URL is itself the permission, needs a token. */
export function registerApi(fastify: FastifyInstance, deps: ApiDeps): void {
  const outputs = createBuildOutputUrls();
  serveHealth(fastify, deps);
  serveBuildOutput(fastify, deps, outputs);
  void fastify.register(async (api) => {
    guard(api, deps.store);
    serveVersion3(api);
    answerConditionally(api);
    api.addHook("onRequest", async (_request, reply) => void reply.header("RateLimit-Remaining", RATE_LIMIT_REMAINING));
    // A body that is left out is an empty one: clients send none where all fields are optional.
    api.addHook("preValidation", async (request) => {
      if (request.body === undefined && request.routeOptions.schema?.body) request.body = {};
    });
    serveAccount(api);
    serveApps(api, deps);
    serveCollaborators(api, deps);
    serveAddons(api);
    servePipelineCouplings(api);
    serveBuildpackInstallations(api, deps);
    serveFeatures(api, deps);
    serveDomains(api, deps);
    serveSniEndpoints(api, deps);
    serveAcm(api, deps);
    serveBuilds(api, deps, outputs);
    serveReleases(api, deps);
    serveConfigVars(api, deps);
    serveFormation(api, deps);
    serveDynos(api, deps);
    servePlatform(api);
  });
}
