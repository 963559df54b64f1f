/** A real server on a free port with git mounted beside a JSON route; the pipeline is a function that each test scripts. */

import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Fastify from "fastify";
import pino from "pino";
import type { App, User } from "../../server/domain/model.ts";
import { isReviewBranch, REVIEW_BRANCH_RULE } from "../../server/domain/review-app.ts";
import { SCOPES, type Scope } from "../../server/domain/scope.ts";
import { AppError } from "../../server/errors.ts";
import { createGit, type Git, type GitDeps, type GitOptions } from "../../server/git/git.ts";
import { childrenNamed } from "./processes.ts";

export type Deploy = GitDeps["deploy"];
export type Deployed = Parameters<Deploy>[0];

export const TOKENS = { alice: "paas_alice-token-0123456789", bob: "paas_bob-token-0123456789", revoked: "paas_revoked-token-01234567", blocked: "paas_blocked-token-01234567" };

/** Alice's tokens of one scope each. */
export const scopedToken = (scope: Scope): string => `paas_alice-token-for-${scope}`;

export type GitServer = {
  git: Git;
  dataDir: string;
  port: number;
  /** Everything that was deployed, in order. */
  deployed: Deployed[];
  /** What was deployed to review apps. */
  reviewed: Deployed[];
  /** Branches that were deleted, and those whose deletion is refused. */
  gone: string[];
  kept: Set<string>;
  /** Log lines at error and above. */
  errors: Record<string, unknown>[];
  apps: Map<string, App>;
  /** What the next deploys do. */
  onDeploy(deploy: Deploy): void;
  running: Map<string, { user: string; startedAt: string; id: string }>;
  url(app: string, token?: string): string;
  repository(app: string): string;
  /** What a real pipeline would find of a ref: undefined when it does not exist. */
  ref(app: string, ref: string): Promise<string | undefined>;
  /** Quarantines and locks in all repositories. */
  leftovers(): Promise<string[]>;
  /** @throws Error when the server leaves a process, a quarantine or a lock behind. */
  close(graceMs?: number): Promise<void>;
};

const succeed: Deploy = async (_push, output) => {
  output.write("-----> Deployed\n");
  return true;
};

export async function startGitServer(options: Partial<GitOptions> & { dataDir?: string } = {}): Promise<GitServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "paas-git-")));
  const errors: Record<string, unknown>[] = [];
  const log = pino({ level: "error" }, { write: (line: string) => void errors.push(JSON.parse(line) as Record<string, unknown>) });
  const apps = new Map<string, App>();
  const running: GitServer["running"] = new Map();
  const deployed: Deployed[] = [];
  const reviewed: Deployed[] = [];
  const gone: string[] = [];
  const kept = new Set<string>();
  let deploy = succeed;

  const users = new Map([
    [TOKENS.alice, user("alice")],
    [TOKENS.bob, user("bob")],
  ]);
  const findApp = (name: string, { id }: User): App | undefined => {
    const app = apps.get(name);
    return app?.ownerId === id ? app : undefined;
  };
  const checkNewApp = (name: string): void => {
    if (apps.has(name)) throw new AppError("invalid_params", `Name ${name} is already taken`);
  };
  const git = createGit(
    {
      dataDir,
      log,
      authenticate(token) {
        const scope = SCOPES.find((one) => token === scopedToken(one));
        if (scope) return { user: user("alice"), scope: [scope] };
        if (token === TOKENS.blocked) throw new AppError("rate_limit", "Too many wrong tries from your address. Try again in 42 s.", { retryAfter: 42 });
        const known = users.get(token);
        if (!known) throw new AppError("unauthorized", "Unknown.");
        return { user: known, scope: ["global"] };
      },
      findApp,
      checkNewApp,
      async createApp(name, { id }) {
        checkNewApp(name);
        const now = new Date().toISOString();
        const app = { id: `id-of-${name}`, name, ownerId: id, createdAt: now, updatedAt: now };
        apps.set(name, app);
        return app;
      },
      deploy(push, output, signal) {
        deployed.push(push);
        return deploy(push, output, signal);
      },
      runningBuild: (appId) => running.get(appId),
      reviews: {
        takes(_app, branch) {
          const isReview = isReviewBranch(branch);
          if (isReview === false) throw new AppError("invalid_params", `${branch} is no review branch: ${REVIEW_BRANCH_RULE}.`);
          return isReview === true;
        },
        deploy(push, output, signal) {
          reviewed.push(push);
          return deploy(push, output, signal);
        },
        async branchGone({ branch }) {
          gone.push(branch);
          return !kept.has(branch);
        },
      },
    },
    options,
  );

  const fastify = Fastify({ requestTimeout: 0, forceCloseConnections: true });
  fastify.post("/echo", async (request) => ({ got: request.body }));
  git.register(fastify);
  await git.start();
  await fastify.listen({ port: 0, host: "127.0.0.1" });
  const { port } = fastify.server.address() as AddressInfo;
  const repository = (app: string): string => join(dataDir, "repositories", `id-of-${app}.git`);

  const leftovers = async (): Promise<string[]> => {
    const names = existsSync(join(dataDir, "repositories")) ? await readdir(join(dataDir, "repositories"), { recursive: true }) : [];
    return names.filter((name) => /(^|\/)(tmp_objdir-|\.new-|\.removed-)|\.lock$/.test(name));
  };

  return {
    git,
    dataDir,
    port,
    deployed,
    reviewed,
    gone,
    kept,
    errors,
    apps,
    running,
    onDeploy: (next) => void (deploy = next),
    url: (app, token = TOKENS.alice) => `http://paas:${token}@127.0.0.1:${port}/${app}.git`,
    repository,
    async ref(app, ref) {
      const file = join(repository(app), ref);
      if (existsSync(file)) return (await readFile(file, "utf8")).trim();
      const packed = await readFile(join(repository(app), "packed-refs"), "utf8").catch(() => "");
      return packed.split("\n").find((line) => line.endsWith(` ${ref}`))?.slice(0, 40);
    },
    leftovers,
    async close(graceMs = 0) {
      await git.stop(graceMs);
      await fastify.close();
      const left = [...(await leftovers()), ...childrenNamed(dataDir).map(({ command }) => command)];
      if (left.length > 0) throw new Error(`The server left behind: ${left.join(", ")}`);
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function user(name: string): User {
  return { id: `id-of-${name}`, email: `${name}@example.com`, name, admin: false, createdAt: new Date(0).toISOString() };
}
