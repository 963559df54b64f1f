/** Heroku's Platform API v3 (devcenter: platform-api-reference), as far as it is served: docs/api.md lists the routes. */

import type { FastifyInstance } from "fastify";
import { serveAccount } from "./account.ts";
import { serveAcm } from "./acm.ts";
import { serveAdminUsers } from "./admin-users.ts";
import { serveAddons } from "./addons.ts";
import { serveAppTransfers } from "./app-transfers.ts";
import { serveApps } from "./apps.ts";
import { recordChanges, serveAuditTrail } from "./audit-trail.ts";
import { guard } from "./auth.ts";
import { serveAuthorizations } from "./authorizations.ts";
import { serveBrowserLogin } from "./browser-login.ts";
import { serveBuildOutput } from "./build-output.ts";
import { serveBuildpackInstallations } from "./buildpack-installations.ts";
import { serveBuildpackRegistry } from "./buildpack-registry.ts";
import { serveBuilds } from "./builds.ts";
import { serveCollaborators } from "./collaborators.ts";
import { serveConfigVars } from "./config-vars.ts";
import type { ApiDeps } from "./deps.ts";
import { serveDomains } from "./domains.ts";
import { serveDynos, serveOneOffs } from "./dynos.ts";
import { answerConditionally } from "./etag.ts";
import { serveFeatures } from "./features.ts";
import { serveFormation } from "./formation.ts";
import { serveHealth } from "./health.ts";
import { serveKeys } from "./keys.ts";
import { serveLogDrains } from "./log-drains.ts";
import { serveLogSession, serveLogSessions } from "./log-sessions.ts";
import { serveMetrics } from "./metrics.ts";
import { createOutputUrls } from "./output-urls.ts";
import { servePipelineCouplings } from "./pipeline-couplings.ts";
import { servePipelinePromotions } from "./pipeline-promotions.ts";
import { servePipelines } from "./pipelines.ts";
import { servePlatform } from "./platform.ts";
import { serveReleases } from "./releases.ts";
import { serveReviewAppConfig } from "./review-app-config.ts";
import { serveReviewApps } from "./review-apps.ts";
import { serveSlugs } from "./slugs.ts";
import { createRouteBook, serveSchema } from "./schema.ts";
import { serveSniEndpoints } from "./sni-endpoints.ts";
import { serveSourceArchives, serveSources } from "./sources.ts";
import { serveTestConfigVars } from "./test-config-vars.ts";
import { serveTestRunOutput, serveTestRuns } from "./test-runs.ts";
import { serveVersion3 } from "./version.ts";
import { serveWebhooks, tellWebhooks } from "./webhooks.ts";

export type { ApiDeps } from "./deps.ts";

/** Adds the API's routes. Who may use which stands in policies.ts. */
export function registerApi(fastify: FastifyInstance, deps: ApiDeps): void {
  const outputs = createOutputUrls("build-output");
  const testOutputs = createOutputUrls("test-run-output");
  const book = createRouteBook();
  // What people's browsers and supervisors ask: no versions, no tags.
  void fastify.register(async (pages) => {
    guard(pages, deps);
    book.read(pages);
    takeNoBodyForAnEmptyOne(pages);
    serveHealth(pages, deps);
    serveBuildOutput(pages, deps, outputs);
    serveSourceArchives(pages, deps);
    serveTestRunOutput(pages, deps, testOutputs);
    serveLogSession(pages, deps);
    serveBrowserLogin(pages, deps);
    serveSchema(pages, book);
  });
  void fastify.register(async (api) => {
    guard(api, deps);
    book.read(api);
    serveVersion3(api);
    answerConditionally(api);
    recordChanges(api, deps);
    tellWebhooks(api, deps);
    takeNoBodyForAnEmptyOne(api);
    serveAccount(api, deps);
    serveAuthorizations(api, deps);
    serveKeys(api, deps);
    serveAppTransfers(api, deps);
    serveAdminUsers(api, deps);
    serveAuditTrail(api, deps);
    serveApps(api, deps);
    serveCollaborators(api, deps);
    serveAddons(api, deps);
    serveWebhooks(api, deps);
    servePipelines(api, deps);
    servePipelineCouplings(api, deps);
    servePipelinePromotions(api, deps);
    serveTestConfigVars(api, deps);
    serveTestRuns(api, deps, testOutputs);
    serveReviewApps(api, deps);
    serveReviewAppConfig(api, deps);
    serveBuildpackInstallations(api, deps);
    serveBuildpackRegistry(api, deps);
    serveFeatures(api, deps);
    serveDomains(api, deps);
    serveSniEndpoints(api, deps);
    serveAcm(api, deps);
    serveBuilds(api, deps, outputs);
    serveSources(api, deps);
    serveSlugs(api, deps);
    serveReleases(api, deps);
    serveLogSessions(api, deps);
    serveLogDrains(api, deps);
    serveMetrics(api, deps);
    serveConfigVars(api, deps);
    serveFormation(api, deps);
    serveDynos(api, deps);
    serveOneOffs(api, deps);
    servePlatform(api);
  });
}

/** Clients send no body where all fields are optional. */
function takeNoBodyForAnEmptyOne(api: FastifyInstance): void {
  api.addHook("preValidation", async (request) => {
    if (request.body === undefined && request.routeOptions.schema?.body) request.body = {};
  });
}
