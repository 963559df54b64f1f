/** The HTTP server of the control plane: what git, API and dashboard have in common. */

import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { AppError } from "../errors.ts";
import { answerUnparsable, sendError } from "./error-handler.ts";
import { closeIdleConnections } from "./idle-connections.ts";
import { acceptJson } from "./json-body.ts";
import { requestId } from "./request-id.ts";

declare module "fastify" {
  interface FastifySchema {
    /** What the route is for, in a few words (OpenAPI 3.1 operation object). */
    summary?: string;
  }
}

/** Room for the largest config (1 MiB) as JSON. More would let one body hold everybody up while it is parsed. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
/** Heroku's clients put whole URLs into a path (`/log-drains/<encoded url>`). */
const MAX_PARAM_LENGTH = 2048;
const HEADERS_TIMEOUT_MS = 10_000;
/** Asked every few seconds by whatever watches the platform: worth no line each. */
const QUIET = new Set(["/health"]);

/** An HTTP server that does not listen yet: errors as `{id, message}`, JSON bodies, a Request-Id on every answer, one access line each. */
export function createHttpServer(log: Logger): FastifyInstance {
  const fastify = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: requestId,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // A dribbled head is cut off about a second after its time: Node looks every 30 s by default.
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 1000 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false, allowUnionTypes: true } },
    frameworkErrors: (error, request, reply) => sendError(error, request, reply),
    clientErrorHandler: answerUnparsable,
  });
  acceptJson(fastify);
  closeIdleConnections(fastify);
  fastify.setErrorHandler(sendError);
  fastify.setNotFoundHandler((request, reply) => sendError(new AppError("not_found", "There is no such endpoint: check the method and the path."), request, reply));
  fastify.addHook("onRequest", async (request, reply) => void reply.header("Request-Id", request.id));
  fastify.addHook("onResponse", async (request, reply) => {
    // The route and not the URL: a URL may hold a capability.
    const { url: route } = request.routeOptions;
    const { app } = (request.params ?? {}) as { app?: string };
    request.log[QUIET.has(route ?? "") ? "debug" : "info"]({ method: request.method, route, app, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, "request answered");
  });
  return fastify;
}
