import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

function answer(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Content-Type", "text/plain");
  response.end(`Hello from TypeScript, ${process.env["HEROKU_RELEASE_VERSION"] ?? "v0"}\n`);
}

const server = createServer(answer);
server.listen(process.env["PORT"] ?? 3000, () => {
  console.log(`Listening on port ${(server.address() as AddressInfo).port}`);
});

process.once("SIGTERM", () => server.close(() => process.exit(0)));
