/** dockerode without its gRPC (BuildKit sessions) and its SSH (an engine elsewhere): 15 MiB of code that nothing here runs. */

import { registerHooks } from "node:module";

const UNUSED = new Set(["@grpc/grpc-js", "@grpc/proto-loader", "protobufjs", "ssh2"]);

// Any module of Node's own stands in for them: they are loaded at the start and used by what is never called.
const hooks = registerHooks({ resolve: (specifier, context, next) => next(UNUSED.has(specifier) ? "node:path" : specifier, context) });
const { default: Dockerode } = await import("dockerode");
hooks.deregister();

/** A client of Docker's API; types are those of the package itself. */
export { Dockerode as EngineClient };
