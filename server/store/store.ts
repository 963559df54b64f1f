/** All repositories over one database. */

import { createAcmeAccounts } from "./acme-accounts.ts";
import { createAppTransfers } from "./app-transfers.ts";
import { createApps } from "./apps.ts";
import { createAuditEvents } from "./audit-events.ts";
import { createBuilds } from "./builds.ts";
import { createBuildpackInstallations } from "./buildpack-installations.ts";
import { createCollaborators } from "./collaborators.ts";
import { openDatabase, type Db } from "./database.ts";
import { createDeployments } from "./deployments.ts";
import { createDomains } from "./domains.ts";
import { createLogDrains } from "./log-drains.ts";
import { createPipelinePromotions } from "./pipeline-promotions.ts";
import { createPipelines } from "./pipelines.ts";
import { createReleases } from "./releases.ts";
import { createReviewApps } from "./review-apps.ts";
import { createSlugs } from "./slugs.ts";
import { createSniEndpoints } from "./sni-endpoints.ts";
import { createSshKeys } from "./ssh-keys.ts";
import { createSwitches } from "./switches.ts";
import { createTestRuns } from "./test-runs.ts";
import { createTokens } from "./tokens.ts";
import { createUsers } from "./users.ts";
import { createWebhooks } from "./webhooks.ts";

export type Store = ReturnType<typeof createStore>;

/** @throws MigrationError when file and program do not fit together. */
export function createStore(file: string, migrationsDir: string) {
  return repositories(openDatabase(file, migrationsDir));
}

function repositories(db: Db) {
  return {
    users: createUsers(db),
    tokens: createTokens(db),
    sshKeys: createSshKeys(db),
    pipelines: createPipelines(db),
    pipelinePromotions: createPipelinePromotions(db),
    reviewApps: createReviewApps(db),
    webhooks: createWebhooks(db),
    auditEvents: createAuditEvents(db),
    apps: createApps(db),
    collaborators: createCollaborators(db),
    appTransfers: createAppTransfers(db),
    slugs: createSlugs(db),
    releases: createReleases(db),
    deployments: createDeployments(db),
    builds: createBuilds(db),
    testRuns: createTestRuns(db),
    buildpackInstallations: createBuildpackInstallations(db),
    switches: createSwitches(db),
    domains: createDomains(db),
    logDrains: createLogDrains(db),
    sniEndpoints: createSniEndpoints(db),
    acmeAccounts: createAcmeAccounts(db),
    /** Runs `work` in one transaction: all of it is kept or nothing. */
    transaction: <T>(work: () => T): T => db.transaction(work).immediate(),
    close: (): void => void db.close(),
  };
}
