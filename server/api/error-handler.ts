/** Every failure as Heroku's `{id, message, resource?}` with its status (devcenter: platform-api-reference#error-responses). */

import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from "fastify";
import type { Socket } from "node:net";
import { AppError, invalidParams, publicMessage } from "../errors.ts";

/** Words for what the framework refuses before a route sees it; the rest is said in its own words. */
const REFUSALS: Record<string, string> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "The body must be JSON, sent with the header Content-Type: application/json.",
  FST_ERR_CTP_BODY_TOO_LARGE: "The body is too large: at most 2 MiB are taken.",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "The body does not have the length that Content-Length names.",
  FST_ERR_BAD_URL: "The path is not a valid URL path.",
  FST_ERR_MAX_PARAM_LENGTH: "A part of the path is too long.",
};

/** Answers with the error; what is not meant for people is logged and answered as 500. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = asAppError(thrown);
  if (error === undefined) request.log.error({ err: thrown }, "request failed");
  else if (error.status >= 500) request.log.warn({ err: error, cause: error.cause }, "request refused");

  // RFC 9110 section 11.6.1: a 401 says how to authenticate. Git's routes have said so already.
  if (error?.id === "unauthorized" && !reply.hasHeader("WWW-Authenticate")) reply.header("WWW-Authenticate", 'Bearer realm="paas"');
  if (error?.retryAfter !== undefined) reply.header("Retry-After", String(error.retryAfter));
  void reply
    .code(error?.status ?? 500)
    .header("Request-Id", request.id)
    .header("Content-Type", "application/json; charset=utf-8")
    .send(JSON.stringify({
      id: error?.id ?? "internal_server_error",
      message: publicMessage(error ?? thrown),
      ...(error?.resource === undefined ? {} : { resource: error.resource }),
    }));
}

/** Answers a request that is no HTTP, or whose head is too large or too slow, and closes. */
export function answerUnparsable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const message = error.code === "HPE_HEADER_OVERFLOW" ? "The request's headers are too large." : "The request is not valid HTTP.";
  const body = JSON.stringify({ id: "bad_request", message });
  socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}

function asAppError(thrown: unknown): AppError | undefined {
  if (thrown instanceof AppError) return thrown;
  if (!(thrown instanceof Error)) return undefined;
  const { validation, statusCode, code } = thrown as Partial<FastifyError>;
  if (validation?.[0]) return invalidParams(validationSentence(validation[0]));
  if (typeof code === "string" && code.startsWith("FST_ERR_") && statusCode !== undefined && statusCode < 500)
    return new AppError("bad_request", REFUSALS[code] ?? "The request could not be read.", { cause: thrown });
  return undefined;
}

/** `updates.0.type: must be string`: the field and the rule, never the value. */
function validationSentence({ keyword, instancePath, params, message }: FastifySchemaValidationError): string {
  const path = instancePath.slice(1).split("/").filter(Boolean).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const field = (last?: unknown): string => [...path, ...(typeof last === "string" ? [last.slice(0, 80)] : [])].join(".") || "body";
  if (keyword === "required") return `${field(params["missingProperty"])}: is required.`;
  if (keyword === "additionalProperties") return `${field(params["additionalProperty"])}: is not a field that can be given here.`;
  if (keyword === "enum") return `${field()}: must be one of ${(params["allowedValues"] as unknown[]).join(", ")}.`;
  if (keyword === "const") return `${field()}: must be ${JSON.stringify(params["allowedValue"])}.`;
  return `${field()}: ${(message ?? "is wrong").replace(/^must be (\w+),(\w+)/, "must be $1 or $2")}.`;
}
