import { createServer } from "node:http";

const server = createServer((request, response) => {
  response.end(`Hello from ${process.env.DYNO ?? "web"}, ${process.env.HEROKU_RELEASE_VERSION ?? "v0"}\n`);
});
server.listen(process.env.PORT ?? 3000, () => console.log(`Listening on port ${server.address().port}`));

process.once("SIGTERM", () => server.close(() => process.exit(0)));
