/** Other people's buildpacks through a whole platform: set for the app, named by its source, fetched from a server that the operator allows. */

import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startForeignServer, type ForeignServer } from "../support/foreign-server.ts";
import { removeWorkspaces, workspace, type Workspace } from "../support/git-client.ts";
import { startPaas, type Paas } from "../support/paas.ts";

vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let server: ForeignServer;
let theirs: Workspace;
let repository: string;
let app: Workspace;

const SERVE = `#!/bin/bash
mkdir -p "$1/.profile.d"; echo "export PACKED=${"'VERSION'"}" >"$1/.profile.d/pack.sh"
`;
/** A buildpack whose app says which one built it. */
function buildpack(version: string): Record<string, string> {
  const serve = `require("http").createServer((q, s) => s.end(process.env.PACKED)).listen(process.env.PORT)`;
  return {
    "bin/detect": "#!/bin/bash\necho Theirs\n", "bin/compile": SERVE.replace("VERSION", version),
    "bin/release": `#!/bin/bash\ncat <<'EOF'\ndefault_process_types:\n  web: /opt/paas/node/bin/node -e '${serve}'\nEOF\n`,
  };
}

beforeAll(async () => {
  [paas, theirs, app] = await Promise.all([startPaas({ PAAS_FETCH_ALLOW: "127.0.0.1" }), workspace(), workspace()]);
  server = await startForeignServer(`${theirs.dir}/..`);
  repository = `${server.origin}/${basename(theirs.dir)}/.git`;
  await theirs.commit(buildpack("git one"));
  const tar = pack();
  for (const [name, content] of Object.entries(buildpack("archive"))) tar.entry({ name: `pack-main/${name}`, mode: 0o755 }, content);
  tar.finalize();
  const tgz = gzipSync(await buffer(tar as unknown as Readable));
  server.answer.set("/pack.tar.gz", (_request, response) => void response.end(tgz));
  await paas.api("POST", "/apps", { name: "packed" });
});
afterAll(async () => {
  await server?.close();
  await paas?.remove();
  await removeWorkspaces();
});

const push = async (files: Record<string, string>) => {
  await app.commit(files);
  return app.push(paas.remote("packed"));
};
const set = (...urls: string[]) => paas.api<unknown[]>("PUT", "/apps/packed/buildpack-installations", { updates: urls.map((url) => ({ buildpack: url })) });

it("an app is built by a repository's branch, the same commit fetched once; by an archive that .buildpacks names; by a folder that app.json names; by detection again", async () => {
  expect(await set(`${repository}#main`)).toMatchObject({ status: 200 });
  const first = await push({ Procfile: "worker: sleep 1000\n" });
  expect(first.output).toMatch(new RegExp(`remote: -----> Fetching buildpack ${repository}#main \\([0-9a-f]{8}\\) *\n[^]*-----> Using buildpack: ${repository}#main *\n[^]*-----> Theirs app detected`));
  expect((await paas.get("packed")).body).toBe("git one");
  const builds = await paas.api<{ buildpacks: { url: string }[] }[]>("GET", "/apps/packed/builds");
  expect(builds.body[0]?.buildpacks).toEqual([{ name: `${repository}#main`, url: `${repository}#main` }]);

  server.asked.length = 0;
  expect((await push({ more: "1" })).code).toBe(0);
  expect(server.asked.filter((line) => line.startsWith("POST")).length).toBeLessThanOrEqual(1);
  await theirs.commit(buildpack("git two"));
  expect((await push({ more: "2" })).code).toBe(0);
  expect((await paas.get("packed")).body).toBe("git two");

  expect((await set()).body).toEqual([]);
  expect((await push({ ".buildpacks": `# mine\n${server.origin}/pack.tar.gz\n` })).output).toContain(`Fetching buildpack ${server.origin}/pack.tar.gz`);
  expect((await paas.get("packed")).body).toBe("archive");

  const own = Object.fromEntries(Object.entries(buildpack("own folder")).map(([name, content]) => [`pack/${name}`, content]));
  expect((await push({ ...own, "app.json": '{ "buildpacks": [{ "url": "./pack" }] }' })).output).toContain("-----> Using buildpack: ./pack");
  expect((await paas.get("packed")).body).toBe("own folder");

  await app.must("rm", "-q", ".buildpacks", "app.json");
  expect((await push({})).output).toContain("-----> Procfile app detected");
});

it("a push whose buildpack cannot be had, or is written where it may not be, is refused with the place and the reason", async () => {
  await set("https://127.0.0.2:2375/x.git");
  expect((await push({ more: "3" })).output).toContain("!     Buildpack https://127.0.0.2:2375/x.git: 127.0.0.2:2375 cannot be fetched from: 127.0.0.2 is not an address of the public internet (the operator may allow it by PAAS_FETCH_ALLOW).");
  await set(`${server.origin}/nothing.git`);
  expect((await push({ more: "4" })).output).toContain(`!     Buildpack ${server.origin}/nothing.git: there is no git repository at this URL.`);
  await set();
  expect((await push({ "app.json": '{ "buildpacks": [{ "url": "file:///etc" }] }' })).output).toContain("!     app.json: buildpacks[0].url: must be a name such as heroku/nodejs");
  expect(await set("ssh://-oProxyCommand=x")).toMatchObject({ status: 422 });
});
