/** The source of an app that does what a test tells it to: boots slowly, stops slowly, dies, or shows its environment. */

export type Behaviour = {
  /** What `/` answers. */
  text?: string;
  /** Listens so long after its start. */
  bootMs?: number;
  /** Goes on so long after SIGTERM. */
  stopMs?: number;
  /** Exits with status 1 so long after its first request, which is the health check's: it is up before, however slow the machine. */
  dieAfterMs?: number;
  /** Exits at once when this config var is set. */
  crashOn?: string;
  /** Seconds that the release phase takes; no release phase when not given. */
  releaseSeconds?: number;
  /** Declares a worker. */
  worker?: boolean;
  procfile?: string;
};

const NODE = "/opt/paas/node/bin/node";

/**
 * Files of the app. It needs no build. `GET /` answers the text, `/version` the release's number, `/env/NAME` a config var's bytes,
 * `/slow/MS` after so long, `/dyno` the host name of the dyno.
 */
export function smallApp(behaviour: Behaviour = {}): Record<string, string> {
  const { releaseSeconds, worker, procfile = "" } = behaviour;
  const types = [
    `web: ${NODE} server.mjs`,
    ...(worker ? [`worker: ${NODE} worker.mjs`] : []),
    ...(releaseSeconds === undefined ? [] : [`release: echo "release phase for $HEROKU_RELEASE_VERSION" && sleep ${releaseSeconds}`]),
  ];
  return { "Procfile": `${types.join("\n")}\n${procfile}`, "behaviour.json": JSON.stringify(behaviour), "server.mjs": SERVER, "worker.mjs": WORKER };
}

const SERVER = `
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
const { text = "", bootMs = 0, stopMs = 0, dieAfterMs, crashOn } = JSON.parse(readFileSync("behaviour.json", "utf8"));
if (crashOn && process.env[crashOn] !== undefined) {
  console.log("cannot work with " + crashOn);
  process.exit(3);
}
const server = createServer(async (request, response) => {
  if (dieAfterMs !== undefined) setTimeout(() => process.exit(1), dieAfterMs);
  const [, what, value] = request.url.split("/");
  if (what === "env") return response.writeHead(process.env[value] === undefined ? 404 : 200).end(process.env[value]);
  if (what === "slow") await new Promise((resolve) => setTimeout(resolve, Number(value)));
  response.end(what === "version" ? process.env.HEROKU_RELEASE_VERSION : what === "dyno" ? process.env.DYNO + " " + process.pid : text);
});
setTimeout(() => server.listen(process.env.PORT, "0.0.0.0"), bootMs);
process.on("SIGTERM", () => setTimeout(() => process.exit(0), stopMs));
`;

const WORKER = `
console.log("working");
setInterval(() => {}, 1000);
process.on("SIGTERM", () => process.exit(0));
`;
