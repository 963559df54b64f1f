import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { remoteText, repositoryOf } from "../support/app-folder.ts";
import { removeWorkspaces, workspace } from "../support/git-client.ts";
import { HELD, letGo } from "../support/held.ts";
import { startPaas, type Paas } from "../support/paas.ts";

let paas: Paas;
beforeAll(async () => {
  paas = await startPaas();
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

describe("what the pusher reads", () => {
  it("is Heroku's text from the first line to the last, for the push that creates the app and for the next one", async () => {
    const repository = await repositoryOf("examples/procfile-only");
    const first = await repository.push(paas.remote("hello"));
    expect(stable(first.output)).toBe(`\
-----> Created app hello
-----> Building on the Debian-12 stack
-----> Determining which buildpack to use for this app
-----> Procfile app detected
       Nothing to build: the Procfile says how to start it
-----> Discovering process types
       Procfile declares types -> web
-----> Compressing...
       Done: <size>
-----> Launching...
       Released v2
       http://hello.localhost:${paas.routerPort}/ deployed to paas

Verifying deploy... done.
`);
    expect(first.output).toMatch(/\* \[new branch\] +main -> main\n$/);

    await repository.commit({});
    const second = await repository.push(paas.remote("hello"));
    expect(stable(second.output)).toBe(stable(first.output).replace("-----> Created app hello\n", "").replace("v2", "v3"));
    expect(second.output).toMatch(/[0-9a-f]{7}\.\.[0-9a-f]{7} +main -> main\n$/);
  });

  it("comes while the build runs, a program's last line ends before the platform goes on, and the log keeps all of it", async () => {
    const repository = await workspace();
    await repository.commit({
      "package.json": JSON.stringify({ private: true, scripts: { build: `echo begun && (${HELD}) && echo built`, start: "node server.js" } }),
      "server.js": 'require("http").createServer((request, response) => response.end("up")).listen(process.env.PORT);',
      Procfile: "web: node server.js\nrelease: printf 'no line end'\n",
    });
    const push = repository.start("push", paas.remote("live"), "main");
    await push.says("remote:        begun");
    expect(push.output()).not.toContain("remote:        built");
    expect(push.child.exitCode).toBeNull();
    await letGo(paas, "live");
    const { code, output } = await push.done;
    expect(code, output).toBe(0);
    const told = remoteText(output);
    expect(told).toContain("       begun\n       built\n");
    expect(told).toContain("-----> Running release command...\nno line end\n-----> Launching...\n");

    const { body: builds } = await paas.api<{ output_stream_url: string }[]>("GET", "/apps/live/builds");
    const log = await (await fetch(builds.at(-1)?.output_stream_url ?? "")).text();
    expect(`-----> Created app live\n${log.replace(/ +$/gm, "")}`).toBe(told);
  });
});

/** What the platform told, without what is never the same twice. */
function stable(output: string): string {
  return remoteText(output).replace(/Done: [\d.]+[KM]$/m, "Done: <size>");
}
