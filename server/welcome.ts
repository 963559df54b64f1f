/** What `npm start` ends with. */

import type { RunningApp } from "./app.ts";
import type { Config } from "./config.ts";
import { appUrl } from "./domain/hostname.ts";

/** @param example whether the example serves, or was tried and failed. */
export function welcome(config: Config, app: RunningApp, example: { deployed: boolean; failed: boolean }): string {
  const api = `${config.domain}:${app.apiPort}`;
  const lines = ["", "paas is ready.", ""];
  if (example.deployed) lines.push(`  Live now      ${appUrl("hello-node", config, app.routerPort)}`);
  if (example.failed) lines.push("  The example was not deployed; the lines above say why. Everything else is ready.");
  lines.push(`  Git and API   http://${api}`);
  if (app.tls) lines.push(`  over TLS      https://${config.domain}:${app.tls.port}${app.tls.authority ? `, to be trusted by ${app.tls.authority}` : ""}`);
  if (app.newToken) lines.push(`  Admin token   ${app.newToken}`, "                (shown this once: keep it; only its digest is stored)");
  lines.push("", "Deploy your own, in its folder:", "");
  lines.push(`  ${app.newToken ? `TOKEN=${app.newToken}` : "TOKEN=<your token>"}`, `  git remote add paas http://paas:$TOKEN@${api}/myapp.git`, "  git push paas main", "");
  return lines.join("\n");
}
