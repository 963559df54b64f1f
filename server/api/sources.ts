/** Archives for builds: room for one is made with a token; it is sent and read by URLs that are themselves the permission. */

import type { FastifyInstance } from "fastify";
import type { Readable } from "node:stream";
import { userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { ownUrl } from "./own-url.ts";

type ByCapability = { Params: { capability: string } };
const PATH = /^\/sources\/([A-Za-z0-9_-]{43})$/;

export function serveSources(api: FastifyInstance, deps: ApiDeps): void {
  api.post("/sources", { schema: { summary: "Make room for a source archive: a URL to send it to and a URL to build it from" } }, async (request, reply) => {
    const { put, get } = deps.sources.create(userOf(request).id);
    const at = `${ownUrl(request, deps)}/sources`;
    return reply.code(201).send({ source_blob: { get_url: `${at}/${get}`, put_url: `${at}/${put}` } });
  });
}

/** In a scope of their own: what is sent is any octets under any media type or none, and stays a stream. */
export function serveSourceArchives(pages: FastifyInstance, { sources }: ApiDeps): void {
  void pages.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));

    // heroku-builds sends an empty media type, which Fastify takes for a malformed one.
    scope.addHook("onRequest", async (request) => void delete request.headers["content-type"]);
    // What is left of an archive that is refused shall not be read.
    scope.addHook("onError", async (request, reply) => void (request.method === "PUT" && reply.header("connection", "close")));

    scope.put<ByCapability & { Body: Readable | undefined }>("/sources/:capability", { schema: { summary: "Send the archive, a tar, plain or gzipped" } }, async (request, reply) => {
      // With no media type and no length either it is not even a body to Fastify.
      await sources.receive(request.params.capability, request.body ?? request.raw);
      return reply.code(200).send({});
    });

    scope.get<ByCapability>("/sources/:capability", { schema: { summary: "The archive as it was sent" } }, async (request, reply) => {
      const { body, bytes } = sources.read(request.params.capability);
      return reply.header("Content-Type", "application/octet-stream").header("Content-Length", bytes).header("Cache-Control", "no-store").header("X-Content-Type-Options", "nosniff").send(body);
    });
  });
}

/** The secret in a URL of ours, by whatever name the client reaches us; undefined for any other URL. */
export function capabilityOf(url: string): string | undefined {
  return PATH.exec(URL.parse(url)?.pathname ?? "")?.[1];
}
