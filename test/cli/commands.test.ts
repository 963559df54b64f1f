import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";
import { paasCli, type PaasCli } from "../support/paas-cli.ts";

let server: ApiServer;
let cli: PaasCli;
let app: App;
beforeAll(async () => {
  server = await startApiServer();
  app = await server.pipeline.createApp("shop", server.ann.user);
  server.pipeline.deploy(app, server.ann.user);
  cli = paasCli();
  await cli.must(["login", "--url", server.url, "--with-token"], { input: server.ann.token });
});
afterAll(async () => {
  cli.remove();
  await server.stop();
});

const SHOP = { PAAS_APP: "shop" };
/** A folder with a repository, inside the client's home. */
function repository(...remotes: [name: string, url: string][]): string {
  const dir = mkdtempSync(join(cli.home, "work-"));
  execFileSync("git", ["init", "--quiet", dir]);
  for (const [name, url] of remotes) execFileSync("git", ["-C", dir, "remote", "add", name, url]);
  return dir;
}
const gitConfig = (dir: string, key: string): string => execFileSync("git", ["-C", dir, "config", "--get-all", key]).toString();

test("create makes the app and the git remote, with no token in its URL; git asks paas for that, and gets it for this host alone", async () => {
  const dir = repository();
  expect(await cli.must(["create", "fresh"], { dir })).toMatch(/^fresh is created: http/);
  expect(gitConfig(dir, "remote.paas.url")).toBe(`${server.url}/fresh.git\n`);
  expect(gitConfig(dir, `credential.${server.url}.helper`)).toMatch(/^\n!'.*\/bin\/paas' git:credentials\n$/);
  const ask = (host: string) => cli.must(["git:credentials", "get"], { input: `protocol=http\nhost=${host}\n` });
  expect(await ask(`127.0.0.1:${server.port}`)).toBe(`username=paas\npassword=${server.ann.token}\n`);
  expect(await ask("git.heroku.com")).toBe("");
});

test("apps lists every app, over as many pages as there are", async () => {
  for (let number = 0; number < 205; number++) await server.pipeline.createApp(`many-${number}`, server.bob.user);
  const asBob = { env: { PAAS_API_URL: server.url, PAAS_API_TOKEN: server.bob.token } };
  expect((await cli.must<unknown[]>(["apps", "--json"], asBob)).length).toBe(205);
  expect(await cli.must(["apps"])).toMatch(/^shop +ann@example.com +http.*$/m);
});

test("the app is named by -a, by PAAS_APP, or by the git remote paas or heroku, in this order; a remote at Heroku itself is none of ours", async () => {
  const nameOf = async (args: string[], dir: string, env = {}) => (await cli.must<{ name: string }>(["info", "--json", ...args], { dir, env })).name;
  const dir = repository(["heroku", `${server.url}/fresh.git`]);
  expect([await nameOf(["-a", "shop"], dir), await nameOf([], dir, SHOP), await nameOf([], dir)]).toEqual(["shop", "shop", "fresh"]);
  execFileSync("git", ["-C", dir, "remote", "add", "paas", `http://paas:secret@127.0.0.1/shop.git`]);
  expect(await nameOf([], dir)).toBe("shop");
  const { code, stderr } = await cli.run(["info"], { dir: repository(["heroku", "https://git.heroku.com/shop.git"]) });
  expect([code, stderr]).toEqual([2, expect.stringContaining("-a")]);
});

test("git:remote points the remote of a folder at an app that is there", async () => {
  const dir = repository(["paas", "http://elsewhere/old.git"]);
  await cli.must(["git:remote", "-a", "shop"], { dir });
  expect(gitConfig(dir, "remote.paas.url")).toBe(`${server.url}/shop.git\n`);
  expect(await cli.run(["git:remote", "-a", "nobodys"], { dir })).toMatchObject({ code: 1, stderr: expect.stringContaining("not_found") as string });
});

test("config vars are set, shown and removed; the release they make is named", async () => {
  expect((await cli.run(["config:set", "A=1=1", "B= two "], { env: SHOP })).stderr).toMatch(/^A, B: live as v\d+\.\n$/);
  expect(await cli.must(["config", "A"], { env: SHOP })).toBe("1=1\n");
  expect(await cli.must(["config", "--json"], { env: SHOP })).toEqual({ A: "1=1", B: " two " });
  await cli.must(["config:unset", "B"], { env: SHOP });
  expect(await cli.must(["config"], { env: SHOP })).toBe("A:  1=1\n");
});

test("dynos are listed, scaled and restarted", async () => {
  expect(await cli.must(["ps"], { env: SHOP })).toMatch(/^web\.1 +up +v\d+ +\d+[smhd] ago/m);
  expect(await cli.must(["ps:scale", "web=3"], { env: SHOP })).toContain("web=3");
  expect(await cli.must(["ps:scale", "web-1", "--json"], { env: SHOP })).toContainEqual(expect.objectContaining({ type: "web", quantity: 2 }));
  expect(await cli.must(["ps:scale"], { env: SHOP })).toContain("web=2");
  expect(await cli.must(["restart"], { env: SHOP })).toBe("Restarted all dynos.\n");
  expect(await cli.must(["restart", "web.1"], { env: SHOP })).toBe("Restarted web.1.\n");
});

test("releases are listed newest first, and rollback goes to the one named, or to the one before", async () => {
  server.pipeline.deploy(app, server.ann.user);
  const versions = async () => (await cli.must<{ version: number }[]>(["releases", "--json", "-n", "2"], { env: SHOP })).map(({ version }) => version);
  const [latest = 0, before = 0] = await versions();
  expect(latest).toBe(before + 1);
  expect(await cli.must(["rollback"], { env: SHOP })).toBe(`Rolled back to v${before}: live as v${latest + 1}.\n`);
  expect(await cli.must(["rollback", `v${latest}`], { env: SHOP })).toBe(`Rolled back to v${latest}: live as v${latest + 2}.\n`);
  expect(await cli.must(["releases", "-n", "1"], { env: SHOP })).toMatch(new RegExp(`^v${latest + 2} +current `));
});

test("builds:cache:purge has the next build make everything anew, unless one runs", async () => {
  expect(await cli.must(["builds:cache:purge"], { env: SHOP })).toBe("The next build of shop makes everything anew.\n");
  expect(server.pipeline.asked.at(-1)).toBe("purge shop");
  const { build, output } = server.pipeline.startBuild(app, server.ann.user);
  expect(await cli.run(["builds:cache:purge"], { env: SHOP })).toMatchObject({ code: 1, stderr: expect.stringContaining("A build of the app is running.") as string });
  output.end();
  await server.pipeline.cancelBuild(build, server.ann.user);
});

test("logs shows the last lines, of a dyno or a release or a source, as text or as JSON", async () => {
  server.print(app, "web.1", 2, "one", "two");
  server.print(app, "worker.1", 3, "three");
  expect(await cli.must(["logs", "-n", "2"], { env: SHOP })).toMatch(/^\S+ app\[web\.1\]: two\n\S+ app\[worker\.1\]: three\n$/);
  expect(await cli.must(["logs", "-d", "web", "-s", "app"], { env: SHOP })).toMatch(/one\n.*two\n$/);
  expect(await cli.must(["logs", "--release", "v3", "--json"], { env: SHOP })).toEqual({ at: expect.any(String) as string, source: "app", dyno: "worker.1", text: "three" });
});

test("open names the URL, and hands it to the browser", async () => {
  cli.install("browser", `#!/bin/sh\nprintf %s "$1" > ${cli.home}/opened\n`);
  expect(await cli.must(["open", "/about"], { env: { ...SHOP, BROWSER: "browser" } })).toBe("http://shop.localhost:8080/about\n");
  await expect.poll(() => execFileSync("cat", [join(cli.home, "opened")]).toString(), { timeout: 10_000 }).toBe("http://shop.localhost:8080/about");
});

test("run --detached starts a dyno and names it; a command of several words reaches it as it was typed", async () => {
  expect(await cli.must(["run", "--detached", "-e", "A=b", "--", "echo", "two words", "it's"], { env: SHOP })).toContain("run.1234");
  expect(server.pipeline.asked.at(-1)).toBe("detach echo 'two words' 'it'\\''s' A=b");
});

test.each([
  [[], "Usage"], [["nonsense"], "unknown command"], [["apps", "--nonsense"], "unknown option"], [["ps:scale", "web:2"], "web=2"], [["config:set", "A"], "NAME=value"], [["rollback", "yesterday"], "v12"],
  [["logs", "-n", "few"], "-n"], [["run"], "missing required argument"], [["completion", "fish"], "bash"],
])("paas %j is wrong usage: code 2, and how it is meant", async (args, said) => {
  const { code, stdout, stderr } = await cli.run(args, { env: SHOP });
  expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(said)]);
});

test("help and version are no mistakes", async () => {
  expect(await cli.must(["--help"])).toContain("ps:scale");
  expect(await cli.must(["help", "logs"])).toContain("--release");
  expect(await cli.must(["--version"])).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("nothing is coloured where no terminal reads", async () => {
  for (const args of [["ps"], ["releases"], ["logs"], ["config"]]) expect(await cli.must(args, { env: SHOP })).not.toContain("\x1b");
});

test("completion in bash knows every command, with the colon in its name, and its options", async () => {
  const script = await cli.must(["completion", "bash"]);
  const complete = (line: string, ...words: string[]): string[] =>
    execFileSync("bash", ["--norc", "-c", `${script}\nCOMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDS=(${words.join(" ")} ) COMP_CWORD=${words.length - 1}\n_paas; printf '%s\\n' "\${COMPREPLY[@]}"`]).toString().trim().split("\n");
  expect(complete("paas rel", "paas", "rel")).toEqual(["releases"]);
  expect(complete("paas config:s", "paas", "config", ":", "s")).toEqual(["set"]);
  expect(complete("paas logs --re", "paas", "logs", "--re")).toEqual(["--release"]);
  expect(await cli.must(["completion", "zsh"])).toContain("'ps\\:scale:");
});
