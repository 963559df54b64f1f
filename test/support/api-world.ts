/** One of everything that a path can name, all of it ann's, and people who stand to it in every way. */

import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { newToken } from "../../server/domain/credentials.ts";
import type { App } from "../../server/domain/model.ts";
import { SCOPES, type Scope } from "../../server/domain/scope.ts";
import type { ApiServer, Person } from "./api-server.ts";
import { selfSigned } from "./certificate-maker.ts";

export type World = {
  app: App;
  /** What stands in a path for `:app`, `:domain` …; ids, so that nothing depends on what a request renames. */
  params: Record<string, string>;
  /** A body that the route takes, where it needs one. */
  body(route: string): unknown;
};

export type Cast = {
  collaborator: Person;
  /** Gives ann an app, or gets one of hers. */
  friend: Person;
  /** Ann's tokens, and an admin's, of one scope each. */
  scoped: Record<Scope, { ann: string; admin: string }>;
  expired: string;
  revoked: string;
  suspended: Person;
  certificate: { certificate_chain: string; private_key: string };
};

/** People and tokens: once for a server. */
export async function makeCast({ store, ann, admin }: ApiServer): Promise<Cast> {
  const token = (userId: string, scope: Scope[], expires: Date | null = null): string => {
    const made = newToken();
    store.tokens.add(userId, made, "of the cast", expires, { scope });
    return made;
  };
  const person = (email: string): Person => {
    const user = store.users.create(email, { admin: false });
    return { user, token: token(user.id, ["global"]) };
  };
  const revoked = newToken();
  store.tokens.remove(store.tokens.add(ann.user.id, revoked, "revoked").id);
  const suspended = person("suspended@example.com");
  store.users.update({ ...suspended.user, updatedAt: "", lastLogin: null, suspendedAt: new Date().toISOString() });
  const { chain, key } = await selfSigned(["www.access.example.com", "another.example.com"]);
  return {
    collaborator: person("cat@example.com"), friend: person("eve@example.com"), suspended, revoked, expired: token(ann.user.id, ["global"], new Date(Date.now() - 1000)), certificate: { certificate_chain: chain, private_key: key },
    scoped: Object.fromEntries(SCOPES.map((scope) => [scope, { ann: token(ann.user.id, [scope]), admin: token(admin.user.id, [scope]) }])) as Cast["scoped"],
  };
}

/** Fresh things for one request. */
export async function makeWorld({ store, pipeline: road, logs, ann, bob, ask }: ApiServer, cast: Cast, route: string): Promise<World> {
  const now = new Date().toISOString();
  const app = await road.createApp(undefined, ann.user);
  road.deploy(app, ann.user);
  const collaborator = { id: randomUUID(), appId: app.id, userId: cast.collaborator.user.id, createdAt: now };
  store.collaborators.insert(collaborator);
  // What takes time is made only where a path names it.
  const named = (word: string): boolean => route === "" || route.includes(word);
  const domain = named(":domain") ? await road.addDomain(app, `${app.name}.example.com`, undefined) : undefined;
  const endpoint = named(":endpoint") ? await road.addSniEndpoint(app, { certificateChain: cast.certificate.certificate_chain, privateKey: cast.certificate.private_key }) : undefined;
  if (route.endsWith("/acm")) store.switches.set(app.id, "acm", true, now);
  // One that ann gives, or, where it is to be accepted, one that she gets.
  const given = route.startsWith("PATCH") ? await road.createApp(undefined, cast.friend.user) : app;
  const transfer = { id: randomUUID(), appId: given.id, ownerId: given.ownerId, recipientId: given === app ? cast.friend.user.id : ann.user.id, state: "pending" as const, createdAt: now, updatedAt: now };
  if (route.includes(":transfer")) store.appTransfers.insert(transfer);
  const key = { id: randomUUID(), userId: ann.user.id, publicKey: "ssh-ed25519 AAAA", comment: "", fingerprint: randomUUID(), createdAt: now };
  store.sshKeys.insert(key);
  const login = route.includes(":login") ? (await ask<{ browser_url: string }>("POST", "/auth", { as: null, json: {} })).body.browser_url.split("/").at(-1) ?? "" : "";
  const drain = named(":drain") ? await logs.drains.add(app, "syslog+tls://1.1.1.1") : undefined;
  // Everything in one pipeline, but where an app is to be put into it.
  const pipeline = { id: randomUUID(), name: `p-${randomUUID().slice(0, 8)}`, ownerId: ann.user.id, createdAt: now, updatedAt: now };
  store.pipelines.insert(pipeline);
  const coupling = { id: randomUUID(), pipelineId: pipeline.id, appId: app.id, stage: "staging" as const, createdAt: now, updatedAt: now };
  if (route !== "POST /pipeline-couplings") store.pipelines.couple(coupling);
  const second = route.includes("promotion") || route === "POST /pipeline-couplings" ? await nextStage() : undefined;
  const promotion = { id: randomUUID(), pipelineId: pipeline.id, sourceAppId: app.id, sourceReleaseId: randomUUID(), createdAt: now, updatedAt: now };
  if (route.includes("promotion")) store.pipelinePromotions.insert(promotion, []);
  const run = store.testRuns.insert({ id: randomUUID(), appId: app.id, pipelineId: pipeline.id, status: "succeeded", commit: "a".repeat(40), branch: "main", message: "change", exitCode: 0, reason: null, userId: ann.user.id, createdAt: now, updatedAt: now });
  const webhook = { id: randomUUID(), appId: app.id, url: "http://127.0.0.1:1/", include: ["api:app"], level: "notify" as const, secret: "s", authorization: null, createdAt: now, updatedAt: now };
  const [event, delivery] = [randomUUID(), randomUUID()];
  if (route.includes("webhook")) {
    store.webhooks.insert(webhook);
    store.webhooks.addEvent({ id: event, appId: app.id, include: "api:app", payload: {}, createdAt: now }, [{ id: delivery, webhookId: webhook.id }], 10);
  }
  if (route.includes("review") || route.includes("/repo")) {
    road.branches.set(`${app.id} feature`, { commit: "c".repeat(40), epoch: async () => undefined, readFile: async () => undefined, archive: () => Readable.from([]) });
    if (/PATCH|DELETE|GET/.test(route)) store.reviewApps.setConfig({ pipelineId: pipeline.id, automatic: true, destroyStale: true, staleDays: 7, baseName: null, createdAt: now, updatedAt: now });
  }
  const review = { id: randomUUID(), appId: route.includes("/review-app") && route.includes(":app") ? app.id : null, parentId: app.id, pipelineId: pipeline.id, branch: "review/x", prNumber: null, status: "errored" as const, message: null, creatorId: ann.user.id, createdAt: now, updatedAt: now };
  if (route.includes("review")) store.reviewApps.insert(review);
  const someKey = route.includes("/regions") ? "local" : "debian-12";
  return {
    app,
    params: {
      drain: drain?.id ?? "",
      app: app.id, build: (/^DELETE .*:build$/.test(route) ? road.startBuild(app, ann.user).build.id : store.builds.list(app.id)[0]?.id) ?? "", slug: store.slugs.kept(app.id)[0]?.id ?? "", capability: "guess", release: "2", type: "web", dyno: "web.1", domain: domain?.id ?? "", endpoint: endpoint?.id ?? "", feature: "hsts",
      user: ann.user.id, collaborator: collaborator.id, transfer: transfer.id, login,
      key: route.includes("/account/keys") ? key.id : someKey,
      buildpack: encodeURIComponent("heroku/nodejs"), addon: "none", attachment: "none", service: "none",
      run: run.id, number: String(run.number), output: run.id, webhook: webhook.id, event, delivery, pipeline: pipeline.id, coupling: coupling.id, promotion: promotion.id, review: review.id, branch: "feature",
      authorization: store.tokens.add(ann.user.id, newToken(), "one of ann's").id, session: store.tokens.add(ann.user.id, newToken(), "one of ann's", null, { session: true }).id,
    },
    body(of) {
      const bodies: Record<string, unknown> = {
        "PATCH /apps/:app": { name: `renamed-${app.id.slice(0, 8)}` },
        "POST /apps/:app/collaborators": { user: bob.user.email },
        "PATCH /apps/:app/features/:feature": { enabled: true },
        "POST /apps/:app/domains": { hostname: `more.${app.name}.example.com` },
        "PATCH /apps/:app/domains/:domain": { sni_endpoint: null },
        "POST /apps/:app/sni-endpoints": cast.certificate,
        "PATCH /apps/:app/sni-endpoints/:endpoint": cast.certificate,
        "PATCH /apps/:app/acm": { acm_refresh: true },
        "POST /apps/:app/releases": { release: "2" },
        "POST /apps/:app/builds": { source_blob: { url: "https://example.com/archive.tgz" } },
        "PUT /apps/:app/buildpack-installations": { updates: [{ buildpack: "heroku/nodejs" }] },
        "POST /apps/:app/log-drains": { url: "https://1.1.1.1/logs" },
        "PATCH /apps/:app/config-vars": { A: "1" },
        "PATCH /apps/:app/formation": { updates: [] },
        "PATCH /apps/:app/formation/:type": { quantity: 2 },
        "POST /apps/:app/dynos": { command: "true" },
        "POST /apps/:app/dynos/:dyno": { command: "true" },
        "PATCH /account": { name: "Somebody" },
        "POST /account/keys": { public_key: sshKey() },
        "POST /account/app-transfers": { app: app.id, recipient: bob.user.email },
        "PATCH /account/app-transfers/:transfer": { state: "accepted" },
        "PATCH /oauth/authorizations/:authorization": { description: "another" },
        "POST /apps/:app/webhooks": { url: "http://127.0.0.1:1/", include: ["api:app"], level: "notify" },
        "PATCH /apps/:app/webhooks/:webhook": { level: "sync" },
        "POST /apps/:app/addons": { plan: { name: "heroku-postgresql:mini" } },
        "POST /addon-attachments": { addon: "none", app: app.id },
        "POST /actions/addons/resolve": { addon: "none", app: null },
        "POST /actions/addon-attachments/resolve": { addon_attachment: "none" },
        "POST /pipelines": { name: `q-${randomUUID().slice(0, 8)}` },
        "PATCH /pipelines/:pipeline": { name: `r-${randomUUID().slice(0, 8)}` },
        "POST /pipeline-couplings": { app: app.id, pipeline: pipeline.id, stage: "staging" },
        "PATCH /pipeline-couplings/:coupling": { stage: "production" },
        "PATCH /pipelines/:pipeline/stage/test/config-vars": { A: "1" },
        "POST /filters/apps": { in: { id: [app.id] } },
        "POST /pipeline-promotions": { pipeline: { id: pipeline.id }, source: { app: { id: app.id } }, targets: [{ app: { id: second?.id } }] },
        "POST /review-apps": { branch: "feature", pipeline: pipeline.id, source_blob: { url: "resolve", version: null } },
        "POST /pipelines/:pipeline/review-app-config": {},
        "PATCH /pipelines/:pipeline/review-app-config": { stale_days: 3 },
        "POST /admin/users": { email: `${app.name}@example.com`, password: "long enough to be taken" },
        "PATCH /admin/users/:user": { name: "Somebody else" },
      };
      return bodies[of];
    },
  };

  /** The next stage: the collaborator may use it as well. */
  async function nextStage(): Promise<App> {
    const next = await road.createApp(undefined, ann.user);
    store.collaborators.insert({ ...collaborator, id: randomUUID(), appId: next.id });
    store.pipelines.couple({ ...coupling, id: randomUUID(), appId: next.id, stage: "production" });
    return next;
  }
}

/** A public key that nobody has the private one of. */
export function sshKey(): string {
  const type = Buffer.from("ssh-ed25519");
  const sized = (part: Uint8Array): Uint8Array[] => [Buffer.from([0, 0, 0, part.length]), part];
  return `ssh-ed25519 ${Buffer.concat([...sized(type), ...sized(crypto.getRandomValues(new Uint8Array(32)))]).toString("base64")} ann@laptop`;
}
