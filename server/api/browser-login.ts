/** `heroku login` through a browser: what Heroku's cli-auth service does, on our own host (HEROKU_LOGIN_HOST). */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { newToken, tokenFromAuthorization } from "../domain/credentials.ts";
import { AppError } from "../errors.ts";
import type { Login } from "../identity/browser-logins.ts";
import type { ApiDeps } from "./deps.ts";
import { PAGE_POLICY, donePage, goneOrWrongPage, loginPage } from "./login-page.ts";

const BEGIN = { type: "object", additionalProperties: false, properties: { description: { type: ["string", "null"], maxLength: 200 } } };
/** The CLI gives up after 60 s of silence, and asks again after a 503. */
const POLL_MS = 50_000;
const SESSION_MS = 30 * 24 * 3600 * 1000;
const FORM_LIMIT_BYTES = 8 * 1024;

type ById = { Params: { login: string } };

/** `POST /auth` begins, the browser's page ends it, `GET /auth/cli/…` waits for that. */
export function serveBrowserLogin(api: FastifyInstance, { store, identities, audit }: ApiDeps): void {
  const { logins } = identities;
  const stopping = new AbortController();
  api.addHook("preClose", async () => stopping.abort());
  api.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string", bodyLimit: FORM_LIMIT_BYTES }, async (_request: unknown, body: string | Buffer) => Object.fromEntries(new URLSearchParams(body.toString())));

  api.post<{ Body: { description?: string | null } }>("/auth", { schema: { summary: "Begin a login through a browser", body: BEGIN } }, async (request, reply) => {
    const { login, secret } = logins.begin(request.body.description ?? "a command line", request.socket.remoteAddress);
    return reply.code(201).send({ browser_url: `/auth/browser/${login.id}`, cli_url: `/auth/cli/${login.id}`, token: secret });
  });

  api.get<ById>("/auth/cli/:login", { schema: { summary: "Wait for the browser: the session's token" } }, async (request, reply) => {
    const login = logins.ofCli(request.params.login, tokenFromAuthorization(request.headers.authorization));
    const token = await within(login.done, POLL_MS, stopping.signal);
    if (token === undefined) throw new AppError("starting", "Nobody has logged in yet. Ask again.", { retryAfter: 1 });
    logins.forget(login.id);
    return reply.header("Cache-Control", "no-store").send({ access_token: token });
  });

  api.get<ById>("/auth/browser/:login", { schema: { summary: "The page that asks for e-mail address and password" } }, async (request, reply) => {
    try {
      const login = logins.find(request.params.login);
      return html(reply.header("Set-Cookie", `${cookieName(login)}=${login.formToken}; Path=/auth/browser/${login.id}; Max-Age=600; HttpOnly; SameSite=Strict`), 200, loginPage(login));
    } catch (error) {
      return failed(reply, error);
    }
  });

  api.post<ById & { Body: Record<string, string> }>("/auth/browser/:login", { schema: { summary: "Log in on that page" } }, async (request, reply) => {
    let login: Login | undefined;
    try {
      login = logins.find(request.params.login);
      const { email = "", password = "", form_token: formToken } = request.body ?? {};
      assertFromOwnPage(request, login, formToken);
      const user = await identities.byPassword(email, password, request.socket.remoteAddress);
      const token = newToken();
      store.tokens.add(user.id, token, `Login from ${login.description}`, new Date(Date.now() + SESSION_MS), { session: true });
      audit.record({ actor: user, type: "session", action: "create", address: request.socket.remoteAddress, data: { description: login.description, cli: login.address } });
      logins.finish(login.id, token);
      return html(reply, 200, donePage(user.email));
    } catch (error) {
      return failed(reply, error, login);
    }
  });
}

/** A page of another site can neither read the form nor set its cookie; browsers also say where a form came from. */
function assertFromOwnPage(request: FastifyRequest, login: Login, formToken: string | undefined): void {
  const { origin, host, cookie = "" } = request.headers;
  const site = request.headers["sec-fetch-site"];
  const fromElsewhere = (origin !== undefined && URL.parse(origin)?.host !== host) || (site !== undefined && site !== "same-origin");
  const cookieToken = cookie.split(/; */).find((pair) => pair.startsWith(`${cookieName(login)}=`))?.split("=")[1];
  if (fromElsewhere || formToken !== login.formToken || cookieToken !== login.formToken)
    throw new AppError("forbidden", "This form was not filled in on its own page, or cookies are off. Open the link of the login command again.");
}

function cookieName({ id }: Login): string {
  return `login_${id.slice(0, 8)}`;
}

function html(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply.code(status).headers({
    "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": PAGE_POLICY, "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
  }).send(page);
}

/** People read these, so they get a page; what is not meant for them goes the usual way. */
function failed(reply: FastifyReply, error: unknown, login?: Login): FastifyReply {
  if (!(error instanceof AppError)) throw error;
  if (error.retryAfter !== undefined) reply.header("Retry-After", String(error.retryAfter));
  return html(reply, error.status, login && error.id !== "forbidden" ? loginPage(login, error.message) : goneOrWrongPage(error.message));
}

/** What the promise resolves with; undefined when it took too long, or the server stops. */
async function within<T>(promise: Promise<T>, ms: number, stop: AbortSignal): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>();
  const end = (): void => over.resolve(undefined);
  const timer = setTimeout(end, ms);
  stop.addEventListener("abort", end);
  try {
    return stop.aborted ? undefined : await Promise.race([promise, over.promise]);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener("abort", end);
  }
}
