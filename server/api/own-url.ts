import type { FastifyRequest } from "fastify";
import type { ApiDeps } from "./deps.ts";

const HOST = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i;

/** The URL of this server as the client reached it, such as `http://localhost:3000`: what URLs in answers begin with. */
export function ownUrl(request: FastifyRequest, deps: Pick<ApiDeps, "config" | "apiPort">): string {
  const { host = "" } = request.headers;
  return `${request.protocol}://${HOST.test(host) ? host : `${deps.config.domain}:${deps.apiPort()}`}`;
}
