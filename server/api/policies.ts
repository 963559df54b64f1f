/** Who may ask what: one line for each route, enforced by auth.ts. A route without its line is not served. */

import type { Scope } from "../domain/scope.ts";

export type Policy = {
  /** What the token must be good for. `open`: none is asked for. */
  scope: Scope | "open";
  /** Who, of those who may see what the path names: left out, all of them. `self` is the person whom the path names. */
  role?: "owner" | "owner or self" | "admin";
  /** An e-mail address and its password do as well as a token. */
  password?: true;
  /** Fields of the body that the audit trail keeps. Never one that can hold a secret. */
  records?: readonly string[];
};

export const POLICIES: Readonly<Record<string, Policy>> = {
  "GET /health": { scope: "open" },
  "GET /schema": { scope: "open" },
  "GET /buildpacks": { scope: "open" },
  "GET /buildpacks/:buildpack": { scope: "open" },
  "GET /buildpacks/:buildpack/revisions": { scope: "open" },
  "GET /buildpacks/:buildpack/readme": { scope: "open" },
  "GET /build-output/:build/:capability": { scope: "open" },
  "GET /test-run-output/:output/:capability": { scope: "open" },
  "GET /log-sessions/:capability": { scope: "open" },
  "PUT /sources/:capability": { scope: "open" },
  "GET /sources/:capability": { scope: "open" },

  "GET /account": { scope: "identity" },
  "PATCH /account": { scope: "global", records: ["name", "email"] },
  "GET /account/features": { scope: "identity" },
  "GET /account/features/:feature": { scope: "identity" },
  "GET /account/keys": { scope: "identity" },
  "POST /account/keys": { scope: "global", records: ["public_key"] },
  "GET /account/keys/:key": { scope: "identity" },
  "DELETE /account/keys/:key": { scope: "global" },
  "GET /account/app-transfers": { scope: "read" },
  "POST /account/app-transfers": { scope: "global", records: ["app", "recipient"] },
  "GET /account/app-transfers/:transfer": { scope: "read" },
  "PATCH /account/app-transfers/:transfer": { scope: "global", records: ["state"] },
  "DELETE /account/app-transfers/:transfer": { scope: "global" },
  "GET /users/:user": { scope: "identity" },
  "GET /users/:user/apps": { scope: "read" },

  "GET /oauth/authorizations": { scope: "global" },
  "POST /oauth/authorizations": { scope: "global", password: true, records: ["description", "scope", "expires_in"] },
  "GET /oauth/authorizations/:authorization": { scope: "global" },
  "PATCH /oauth/authorizations/:authorization": { scope: "global", records: ["description"] },
  "DELETE /oauth/authorizations/:authorization": { scope: "global" },
  "POST /oauth/authorizations/:authorization/actions/regenerate-tokens": { scope: "global" },
  "GET /oauth/clients": { scope: "global" },
  "GET /oauth/sessions": { scope: "global" },
  "DELETE /oauth/sessions/:session": { scope: "global" },
  "POST /auth": { scope: "open" },
  "GET /auth/browser/:login": { scope: "open" },
  "POST /auth/browser/:login": { scope: "open" },
  "GET /auth/cli/:login": { scope: "open" },

  "GET /admin/users": { scope: "global", role: "admin" },
  "POST /admin/users": { scope: "global", role: "admin", records: ["email", "name", "admin"] },
  "GET /admin/users/:user": { scope: "global", role: "admin" },
  "PATCH /admin/users/:user": { scope: "global", role: "admin", records: ["email", "name", "admin", "suspended"] },

  "GET /audit-trail/events": { scope: "global", role: "admin" },

  "POST /apps": { scope: "write", records: ["name"] },
  "GET /apps": { scope: "read" },
  "GET /apps/:app": { scope: "read" },
  "PATCH /apps/:app": { scope: "write", records: ["name", "maintenance", "build_stack"] },
  "DELETE /apps/:app": { scope: "write", role: "owner" },
  "GET /apps/:app/collaborators": { scope: "read" },
  "POST /apps/:app/collaborators": { scope: "write", role: "owner", records: ["user"] },
  "GET /apps/:app/collaborators/:collaborator": { scope: "read" },
  "DELETE /apps/:app/collaborators/:collaborator": { scope: "write", role: "owner or self" },
  "GET /apps/:app/addons": { scope: "read" },
  "POST /apps/:app/addons": { scope: "write" },
  "GET /apps/:app/addons/:addon": { scope: "read" },
  "GET /apps/:app/addon-attachments": { scope: "read" },
  "GET /apps/:app/addon-attachments/:attachment": { scope: "read" },
  "GET /apps/:app/features": { scope: "read" },
  "GET /apps/:app/features/:feature": { scope: "read" },
  "PATCH /apps/:app/features/:feature": { scope: "write", records: ["enabled"] },
  "GET /apps/:app/domains": { scope: "read" },
  "POST /apps/:app/domains": { scope: "write", records: ["hostname", "sni_endpoint"] },
  "GET /apps/:app/domains/:domain": { scope: "read" },
  "PATCH /apps/:app/domains/:domain": { scope: "write", records: ["sni_endpoint"] },
  "DELETE /apps/:app/domains/:domain": { scope: "write" },
  "GET /apps/:app/sni-endpoints": { scope: "read" },
  "POST /apps/:app/sni-endpoints": { scope: "write" },
  "GET /apps/:app/sni-endpoints/:endpoint": { scope: "read" },
  "PATCH /apps/:app/sni-endpoints/:endpoint": { scope: "write" },
  "DELETE /apps/:app/sni-endpoints/:endpoint": { scope: "write" },
  "POST /apps/:app/acm": { scope: "write" },
  "PATCH /apps/:app/acm": { scope: "write" },
  "DELETE /apps/:app/acm": { scope: "write" },
  "GET /apps/:app/pipeline-couplings": { scope: "read" },

  // A buildpack's URL may hold a password, and a buildpack sees the config vars.
  "GET /apps/:app/buildpack-installations": { scope: "read-protected" },
  "PUT /apps/:app/buildpack-installations": { scope: "write-protected" },
  // A build's output shows what its program prints of the config vars that it was given.
  "GET /apps/:app/builds": { scope: "read-protected" },
  "GET /apps/:app/builds/:build": { scope: "read-protected" },
  // What is built runs with the app's config vars. A source's URL may be a secret.
  "POST /apps/:app/builds": { scope: "write-protected" },
  "DELETE /apps/:app/builds/:build": { scope: "write-protected" },
  "DELETE /apps/:app/build-cache": { scope: "write" },
  "POST /sources": { scope: "write-protected" },
  "GET /apps/:app/slugs/:slug": { scope: "read-protected" },
  "GET /apps/:app/releases": { scope: "read-protected" },
  "POST /apps/:app/releases": { scope: "write-protected", records: ["release", "slug"] },
  "GET /apps/:app/releases/:release": { scope: "read-protected" },
  "GET /apps/:app/releases/:release/config-vars": { scope: "read-protected" },
  // Programs print what they like, and some print config vars.
  "POST /apps/:app/log-sessions": { scope: "read-protected" },
  "GET /apps/:app/logs": { scope: "read-protected" },
  // A drain's URL may hold a password, and whoever adds one reads all that the app prints.
  "GET /apps/:app/log-drains": { scope: "read-protected" },
  "POST /apps/:app/log-drains": { scope: "write-protected" },
  "GET /apps/:app/log-drains/:drain": { scope: "read-protected" },
  "DELETE /apps/:app/log-drains/:drain": { scope: "write-protected" },
  "GET /apps/:app/config-vars": { scope: "read-protected" },
  "PATCH /apps/:app/config-vars": { scope: "write-protected" },

  "GET /apps/:app/formation": { scope: "read" },
  "PATCH /apps/:app/formation": { scope: "write", records: ["updates"] },
  "GET /apps/:app/formation/:type": { scope: "read" },
  "PATCH /apps/:app/formation/:type": { scope: "write", records: ["quantity", "size"] },
  "GET /apps/:app/dynos": { scope: "read" },
  "DELETE /apps/:app/dynos": { scope: "write" },
  // Whoever runs a command in the app sees its config vars. A command may hold a secret: none is recorded.
  "POST /apps/:app/dynos": { scope: "write-protected", records: ["attach"] },
  "POST /apps/:app/dynos/:dyno": { scope: "write-protected" },
  "GET /apps/:app/dynos/:dyno": { scope: "read" },
  "DELETE /apps/:app/dynos/:dyno": { scope: "write" },
  "DELETE /apps/:app/formations/:type": { scope: "write" },
  "POST /apps/:app/dynos/:dyno/actions/stop": { scope: "write" },
  "POST /apps/:app/formations/:type/actions/stop": { scope: "write" },

  // Events tell of releases.
  "GET /apps/:app/webhooks": { scope: "read-protected" },
  "POST /apps/:app/webhooks": { scope: "write-protected", records: ["include", "level"] },
  "GET /apps/:app/webhooks/:webhook": { scope: "read-protected" },
  "PATCH /apps/:app/webhooks/:webhook": { scope: "write-protected", records: ["include", "level"] },
  "DELETE /apps/:app/webhooks/:webhook": { scope: "write-protected" },
  "GET /apps/:app/webhook-deliveries": { scope: "read-protected" },
  "GET /apps/:app/webhook-deliveries/:delivery": { scope: "read-protected" },
  "GET /apps/:app/webhook-events": { scope: "read-protected" },
  "GET /apps/:app/webhook-events/:event": { scope: "read-protected" },

  "GET /pipelines": { scope: "read" },
  "POST /pipelines": { scope: "write", records: ["name"] },
  "GET /pipelines/:pipeline": { scope: "read" },
  "PATCH /pipelines/:pipeline": { scope: "write", role: "owner", records: ["name"] },
  "DELETE /pipelines/:pipeline": { scope: "write", role: "owner" },
  "GET /pipelines/:pipeline/pipeline-couplings": { scope: "read" },
  "GET /pipeline-couplings": { scope: "read" },
  "POST /pipeline-couplings": { scope: "write", records: ["app", "pipeline", "stage"] },
  "GET /pipeline-couplings/:coupling": { scope: "read" },
  "PATCH /pipeline-couplings/:coupling": { scope: "write", records: ["stage"] },
  "DELETE /pipeline-couplings/:coupling": { scope: "write" },
  "POST /filters/apps": { scope: "read" },
  // A promotion is a release.
  "POST /pipeline-promotions": { scope: "write-protected", records: ["pipeline", "source", "targets"] },
  "GET /pipeline-promotions/:promotion": { scope: "read-protected" },
  "GET /pipeline-promotions/:promotion/promotion-targets": { scope: "read-protected" },
  // Tests print what they like of the config vars that they were given.
  "GET /pipelines/:pipeline/test-runs": { scope: "read-protected" },
  "GET /pipelines/:pipeline/test-runs/:number": { scope: "read-protected" },
  "GET /apps/:app/test-runs": { scope: "read-protected" },
  "GET /apps/:app/test-runs/:number": { scope: "read-protected" },
  "GET /test-runs/:run": { scope: "read-protected" },
  "GET /test-runs/:run/test-nodes": { scope: "read-protected" },
  // Who sets them decides what programs do in the tests of every app in the pipeline.
  "GET /pipelines/:pipeline/stage/test/config-vars": { scope: "read-protected" },
  "PATCH /pipelines/:pipeline/stage/test/config-vars": { scope: "write-protected", role: "owner" },

  // A review app has its parent's config vars.
  "POST /review-apps": { scope: "write-protected", records: ["branch", "pipeline", "pr_number"] },
  "GET /review-apps/:review": { scope: "read" },
  "DELETE /review-apps/:review": { scope: "write" },
  "GET /apps/:app/review-app": { scope: "read" },
  "GET /pipelines/:pipeline/review-apps": { scope: "read" },
  "GET /pipelines/:pipeline/review-app-config": { scope: "read" },
  "POST /pipelines/:pipeline/review-app-config": { scope: "write", records: ["automatic_review_apps", "destroy_stale_apps", "stale_days", "base_name"] },
  "PATCH /pipelines/:pipeline/review-app-config": { scope: "write", records: ["automatic_review_apps", "destroy_stale_apps", "stale_days", "base_name"] },
  "DELETE /pipelines/:pipeline/review-app-config": { scope: "write" },
  "GET /pipelines/:pipeline/repo": { scope: "read" },
  "GET /pipelines/:pipeline/repo/branches/:branch": { scope: "read" },

  "GET /metrics": { scope: "read", role: "admin" },
  "GET /addons": { scope: "read" },
  "GET /addons/:addon": { scope: "read" },
  "GET /addon-attachments": { scope: "read" },
  "POST /addon-attachments": { scope: "write" },
  "GET /addon-attachments/:attachment": { scope: "read" },
  "GET /addon-services": { scope: "read" },
  "GET /addon-services/:service": { scope: "read" },
  "GET /addon-services/:service/plans": { scope: "read" },
  "POST /actions/addons/resolve": { scope: "read" },
  "POST /actions/addon-attachments/resolve": { scope: "read" },

  "GET /regions": { scope: "read" },
  "GET /regions/:key": { scope: "read" },
  "GET /stacks": { scope: "read" },
  "GET /stacks/:key": { scope: "read" },
};

/**
 * The policy of a route. HEAD has GET's.
 * @throws Error where there is none: the route was added without saying who may use it.
 */
export function policyOf(method: string, path: string | undefined): Policy {
  const route = `${method === "HEAD" ? "GET" : method} ${path}`;
  const policy = Object.hasOwn(POLICIES, route) ? POLICIES[route] : undefined;
  if (!policy) throw new Error(`The route ${route} has no policy: say in server/api/policies.ts who may use it.`);
  return policy;
}
