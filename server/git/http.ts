/** Git's smart HTTP routes (gitprotocol-http(5)) at the root of the API's port: who may, which repository, which service. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { assertAppName } from "../domain/app-name.ts";
import { tokenFromAuthorization } from "../domain/credentials.ts";
import type { App, User } from "../domain/model.ts";
import { permits, type Scope } from "../domain/scope.ts";
import { AppError, publicMessage } from "../errors.ts";
import type { Pushes } from "./pushes.ts";
import { Refusal } from "./refusal.ts";
import type { Repositories } from "./repository.ts";
import { advertise, serve, type GitService } from "./transport.ts";

/** Who asks, and what their token may be used for. */
export type Pusher = { user: User; scope: readonly Scope[] };

export type GitRoutesOptions = {
  log: Logger;
  repositories: Repositories;
  pushes: Pushes;
  /** @throws AppError unauthorized, rate_limit, suspended */
  authenticate(token: string, address: string | undefined): Pusher;
  findApp(name: string, user: User): App | undefined;
  /** @throws AppError */
  createApp(name: string, user: User): Promise<App>;
  /** @throws AppError what createApp would throw */
  checkNewApp(name: string, user: User): void;
  isStopping(): boolean;
  maxPushBytes: number;
  stallMs: number;
};

const PATH = /^\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;
/** https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md: asked by its client before each push. */
const LFS_BATCH = /\/info\/lfs\/objects\/batch$/;
const SERVICES: readonly string[] = ["receive-pack", "upload-pack"];
// A fetch sends what it wants and has; 100,000 refs are 5 MB.
const MAX_FETCH_BYTES = 16 << 20;
// Beside the pack: one line for each ref.
const MAX_COMMANDS_BYTES = 16 << 20;
const NO_LFS = "This server keeps no Git LFS objects. Put the files themselves into the repository: git lfs migrate export --include='*'";
const USER = "gitUser";

/** Mounts the routes in a scope of their own: the pack stays unread there and the API beside it keeps its parsers. */
export function registerGitRoutes(fastify: FastifyInstance, options: GitRoutesOptions): void {
  // Node would cut every upload that takes longer.
  if (fastify.server.requestTimeout !== 0) throw new Error("The git routes need Fastify's requestTimeout to be 0.");

  fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    scope.decorateRequest(USER, null);
    scope.addHook("onRequest", async (request, reply) => authenticate(request, reply, options));
    scope.setErrorHandler((error, request, reply) => refuse(error, request, reply, options.log));

    const handler = (request: FastifyRequest, reply: FastifyReply): Promise<void> => handle(request, reply, options);
    scope.all("/:repository/info/refs", handler);
    scope.all("/:repository/git-upload-pack", handler);
    scope.all("/:repository/git-receive-pack", handler);
    scope.all("/:repository.git", handler);
    scope.all("/:repository.git/*", handler);
  });
}

/** Every request, whatever its method: a POST that skips info/refs must prove itself too. */
async function authenticate(request: FastifyRequest, reply: FastifyReply, { authenticate }: GitRoutesOptions): Promise<void> {
  const token = tokenFromAuthorization(request.headers.authorization);
  try {
    if (token !== undefined) return request.setDecorator(USER, authenticate(token, request.socket.remoteAddress));
  } catch (error) {
    if (!(error instanceof AppError) || error.id !== "unauthorized") throw error;
  }
  reply.header("www-authenticate", 'Basic realm="paas"');
  throw new Refusal(401, token === undefined ? "Log in with a token as the password." : "This token is not valid (any more).");
}

async function handle(request: FastifyRequest, reply: FastifyReply, options: GitRoutesOptions): Promise<void> {
  const { user, scope } = request.getDecorator<Pusher>(USER);
  const url = new URL(request.raw.url ?? "/", "http://git");
  const [, name, action] = PATH.exec(url.pathname) ?? [];
  if (LFS_BATCH.test(url.pathname)) return void reply.code(422).type("application/vnd.git-lfs+json").send(JSON.stringify({ message: NO_LFS }));
  if (name === undefined || action === undefined) throw new Refusal(404, "No such page. Only git's smart HTTP protocol is served here.");

  if (action === "info/refs") {
    if (request.method !== "GET") throw new Refusal(405, "Only GET is possible here.");
    const service = requestedService(url);
    assertPermitted(scope, service);
    return info(request, reply, { user, name, service }, options);
  }
  if (request.method !== "POST") throw new Refusal(405, "Only POST is possible here.");
  assertPermitted(scope, action === "git-receive-pack" ? "receive-pack" : "upload-pack");
  return action === "git-receive-pack" ? receive(request, reply, { user, name }, options) : upload(request, reply, { user, name }, options);
}

/** What is pushed runs with the app's config vars, so a push takes the scope that could read and change them. */
function assertPermitted(scope: readonly Scope[], service: GitService): void {
  const needed = service === "receive-pack" ? "write-protected" : "read";
  if (!permits(scope, needed)) throw new Refusal(403, `This token's scope (${scope.join(", ")}) does not allow this: it takes ${needed}.`);
}

type Wanted = { user: User; name: string };

/** Lists the refs. Creates nothing: an app's first push is offered an empty repository. */
async function info(request: FastifyRequest, reply: FastifyReply, { user, name, service }: Wanted & { service: GitService }, options: GitRoutesOptions): Promise<void> {
  const app = options.findApp(name, user);
  if (service === "receive-pack") {
    if (options.isStopping()) throw new Refusal(503, "The server is stopping. Push again in a moment.");
    if (!app) checkNewApp(name, user, options);
  } else if (!app) throw noSuchApp(name);
  const directory = (app && options.repositories.find(app.id)) ?? options.repositories.template;
  answerBy(reply, () => advertise({ service, directory, ...wires(request, reply, options) }));
}

async function upload(request: FastifyRequest, reply: FastifyReply, { user, name }: Wanted, options: GitRoutesOptions): Promise<void> {
  const app = options.findApp(name, user);
  if (!app) throw noSuchApp(name);
  const directory = options.repositories.find(app.id) ?? options.repositories.template;
  answerBy(reply, () => serve({ service: "upload-pack", directory, maxBodyBytes: MAX_FETCH_BYTES, onStart: () => {}, ...wires(request, reply, options) }));
}

async function receive(request: FastifyRequest, reply: FastifyReply, { user, name }: Wanted, options: GitRoutesOptions): Promise<void> {
  const { repositories, pushes } = options;
  if (options.isStopping()) throw new Refusal(503, "The server is stopping. Push again in a moment.");
  let app = options.findApp(name, user);
  if (!app) {
    checkNewApp(name, user, options);
    app = await options.createApp(name, user);
  }
  const { id } = app;
  const directory = await repositories.ensure(id);
  await pushes.atRest(id);
  const begun = { app, user, address: request.socket.remoteAddress, directory, detach: () => void reply.raw.destroy() };
  answerBy(reply, () =>
    serve({
      service: "receive-pack",
      directory,
      maxBodyBytes: options.maxPushBytes + MAX_COMMANDS_BYTES,
      onStart: (child) => pushes.begin({ child, ...begun }),
      ...wires(request, reply, options),
    }),
  );
}

/** Hands the connection to git, unless git cannot be started at all. */
function answerBy(reply: FastifyReply, start: () => void): void {
  start();
  reply.hijack();
}

function wires(request: FastifyRequest, reply: FastifyReply, { log, stallMs }: GitRoutesOptions) {
  const onError = (error: unknown): void => log.error({ err: error, url: request.raw.url }, "git could not be run");
  const onFailure = (code: number | null, complaint: string): void => log.info({ url: request.raw.url, code, complaint }, "git ended with an error");
  return { request: request.raw, response: reply.raw, stallMs, onError, onFailure };
}

function requestedService(url: URL): GitService {
  const [service = "", second] = url.searchParams.getAll("service");
  const name = service.replace(/^git-/, "");
  if (second !== undefined || !service.startsWith("git-") || !SERVICES.includes(name)) throw new Refusal(403, "Only git's smart HTTP protocol is served here; update your git client.");
  return name as GitService;
}

/** @throws AppError when the name breaks the rules or is someone else's. */
function checkNewApp(name: string, user: User, options: GitRoutesOptions): void {
  assertAppName(name);
  options.checkNewApp(name, user);
}

function noSuchApp(name: string): Refusal {
  const shown = /^[\w.-]{1,60}$/.test(name) ? `: ${name}` : "";
  return new Refusal(404, `No such app${shown}. Check the name, or push to it to create it.`);
}

/** Errors as one line of plain text, which git prints after "remote: ". */
function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const status = statusOf(error);
  if (status === 500 || (error instanceof Error && error.cause !== undefined)) log.error({ err: error, url: request.raw.url }, "git request failed");
  // The rest of an unwanted upload shall not be read.
  if (request.method !== "GET") reply.header("connection", "close");
  if (error instanceof AppError && error.retryAfter !== undefined) reply.header("retry-after", String(error.retryAfter));
  void reply.code(status).type("text/plain; charset=utf-8").send(`${textOf(error, status)}\n`);
}

function statusOf(error: unknown): number {
  if (error instanceof Refusal || error instanceof AppError) return error.status;
  // Fastify's own, such as a malformed Content-Type.
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500 ? status : 500;
}

function textOf(error: unknown, status: number): string {
  if (error instanceof Refusal) return error.message;
  return status < 500 && !(error instanceof AppError) ? "This request is malformed." : publicMessage(error);
}
