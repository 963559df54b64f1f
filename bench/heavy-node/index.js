import express from "express";

const app = express();
const release = process.env.HEROKU_RELEASE_VERSION ?? "v0";

app.get("/", (request, response) => {
  response.type("text").send(`Hello from ${release}\n`);
});

app.get("/health", (request, response) => {
  response.json({ status: "ok", release });
});

app.get("/hello/:name", (request, response) => {
  response.json({ hello: request.params.name, dyno: process.env.DYNO ?? "local" });
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`Listening on port ${server.address().port}`);
});

// The platform stops a dyno with SIGTERM, and gives it 30 s: finish what is under way, take nothing new.
process.once("SIGTERM", () => {
  console.log("Stopping");
  server.close(() => process.exit(0));
});
