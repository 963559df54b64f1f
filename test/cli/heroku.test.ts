import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../support/api-server.ts";
import { paasCli, type PaasCli } from "../support/paas-cli.ts";

/** Stands for Heroku's CLI: tells its arguments and environment, and asks the API that it was given. */
const FAKE = `#!/usr/bin/env node
const ask = async (url, headers) => { const response = await fetch(url, { headers }); return { status: response.status, body: await response.json() }; };
const bearer = { authorization: "Bearer " + process.env.HEROKU_API_KEY };
const basic = { authorization: "Basic " + Buffer.from(":" + process.env.HEROKU_API_KEY).toString("base64") };
(async () => {
  const host = process.env.HEROKU_HOST;
  console.log(JSON.stringify({ args: process.argv.slice(2), env: process.env,
    account: await ask(host + "/account", bearer), basic: await ask(host + "/account", basic), foreign: await ask(host + "/account", { authorization: "Bearer somebody-elses" }), none: await ask(host + "/account", {}) }));
  process.exit(Number(process.argv[2] ?? 0));
})();
`;
type Told = { args: string[]; env: Record<string, string>; account: Answer; basic: Answer; foreign: Answer; none: Answer };
type Answer = { status: number; body: { id: string; email?: string } };

let server: ApiServer;
let cli: PaasCli;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  cli = paasCli();
  await cli.must(["login", "--url", server.url, "--with-token"], { input: server.ann.token });
});
afterEach(() => cli.remove());

async function heroku(args: string[], env: Record<string, string> = {}): Promise<Told & { code: number | null; text: string }> {
  cli.install("heroku", FAKE);
  const { code, stdout, stderr } = await cli.run(["heroku", ...args], { env });
  return { code, text: stdout, ...(JSON.parse(stdout || `"${stderr}"`) as Told) };
}

test("heroku is run with its arguments as they are, asks the platform through the forwarder, and its exit code is ours", async () => {
  const { code, args, account } = await heroku(["7", "--app", "a b", "--help", "-x"]);
  expect([code, args]).toEqual([7, ["7", "--app", "a b", "--help", "-x"]]);
  expect(account).toMatchObject({ status: 200, body: { email: "ann@example.com" } });
});

test("every host that heroku knows is the forwarder's on loopback, but git's, which is the platform; telemetry and all else is switched off", async () => {
  const { env } = await heroku([]);
  const forwarder = env["HEROKU_HOST"] ?? "";
  expect(forwarder).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  for (const name of ["HEROKU_PARTICLEBOARD_URL", "HEROKU_BUILDPACK_REGISTRY_URL", "HEROKU_STATUS_HOST", "HEROKU_LOGIN_HOST", "HEROKU_EXEC_URL", "HEROKU_CI_WEBSOCKET_URL", "HEROKU_ANALYTICS_URL", "PGDIAGNOSE_URL"]) expect([name, env[name]]).toEqual([name, forwarder]);
  expect(env).toMatchObject({
    HEROKU_DATA_HOST: "127.0.0.1", HEROKU_POSTGRESQL_HOST: "127.0.0.1", HEROKU_REDIS_HOST: "127.0.0.1", HEROKU_GIT_HOST: new URL(server.url).host,
    DISABLE_TELEMETRY: "true", HEROKU_SKIP_NEW_VERSION_CHECK: "true", HEROKU_SKIP_ANALYTICS: "1", HEROKU_NOTIFICATIONS: "0",
  });
});

test("the token is nowhere in heroku's environment: what it has opens the forwarder and nothing else", async () => {
  const { env, account, basic, text } = await heroku([], { PAAS_API_URL: server.url, PAAS_API_TOKEN: server.ann.token });
  expect(text).not.toContain(server.ann.token);
  expect([account.status, basic.status]).toEqual([200, 200]);
  expect((await server.ask("GET", "/account", { as: env["HEROKU_API_KEY"] ?? "" })).status).toBe(401);
});

test("the forwarder serves heroku alone: without a token the platform says no, with another the forwarder does", async () => {
  const { foreign, none } = await heroku([]);
  expect(foreign).toMatchObject({ status: 401, body: { message: expect.stringContaining("paas heroku") as string } });
  expect(none).toMatchObject({ status: 401, body: { id: "unauthorized", message: expect.not.stringContaining("paas heroku") as string } });
});

test("the person's own settings of heroku name no host, token, header or proxy", async () => {
  const { env, account } = await heroku([], {
    HEROKU_HOST: "https://paas.example.com", HEROKU_API_KEY: "herokus-own", HEROKU_HEADERS: '{"authorization":"Bearer x"}', HEROKU_CLOUD: "staging", HEROKU_DATA_HOST: "data.heroku.com",
    HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9", NO_PROXY: "example.com", HEROKU_DEBUG: "1",
  });
  expect(account.status).toBe(200);
  expect([env["HEROKU_HEADERS"], env["HEROKU_CLOUD"], env["HEROKU_DEBUG"]]).toEqual([undefined, undefined, "1"]);
  expect([env["NO_PROXY"], env["no_proxy"]]).toEqual(["example.com,127.0.0.1,localhost", "example.com,127.0.0.1,localhost"]);
  expect(JSON.stringify(env)).not.toMatch(/herokus-own|heroku\.com/);
});

test("git that heroku starts asks paas for the token, and no helper that keeps it", async () => {
  const { env } = await heroku([], { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "user.name", GIT_CONFIG_VALUE_0: "Ann" });
  const settings = Array.from({ length: Number(env["GIT_CONFIG_COUNT"]) }, (_, index) => [env[`GIT_CONFIG_KEY_${index}`], env[`GIT_CONFIG_VALUE_${index}`]]);
  expect(settings).toEqual([["user.name", "Ann"], [`credential.${server.url}.helper`, ""], [`credential.${server.url}.helper`, expect.stringContaining("git:credentials")]]);
});

test("the app of PAAS_APP is heroku's as well", async () => {
  expect((await heroku([], { PAAS_APP: "shop" })).env["HEROKU_APP"]).toBe("shop");
});

test("without heroku on the path one sentence says so", async () => {
  const { code, stdout, stderr } = await cli.run(["heroku", "apps"], { env: { PATH: "/nonexistent" } });
  expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(/^paas: Heroku's CLI is not installed[^\n]*\n$/)]);
});

test("a signal to paas ends heroku, and the code says so", async () => {
  cli.install("heroku", "#!/bin/sh\ntrap 'exit 9' TERM\necho up\nwhile :; do sleep 0.05; done\n");
  const program = new URL("../../bin/paas", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, "heroku"], { env: { PATH: `${cli.home}/bin:${process.env["PATH"] ?? ""}`, HOME: cli.home }, stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([9, null]);
});

test("the platform sees its own name, and request and answer whole", async () => {
  const seen: { request: IncomingMessage; body: string }[] = [];
  const platform = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text)).on("end", () => {
      seen.push({ request, body });
      response.writeHead(206, { "content-type": "application/json", "next-range": "id ]x.." }).end(JSON.stringify({ email: "x", body }));
    });
  });
  platform.listen(0, "127.0.0.1");
  await once(platform, "listening");
  const { port } = platform.address() as AddressInfo;
  cli.install("heroku", `#!/usr/bin/env node
fetch(process.env.HEROKU_HOST + "/apps/x/config-vars?a=%2Fb", { method: "PATCH", body: '{"A":"ž"}', headers: { authorization: "Bearer " + process.env.HEROKU_API_KEY, range: "id ..; max=2" } })
  .then(async (response) => console.log(response.status, response.headers.get("next-range"), await response.text()));
`);
  const { stdout } = await cli.run(["heroku"], { env: { PAAS_API_URL: `http://127.0.0.1:${port}`, PAAS_API_TOKEN: "the-real-one" } });
  platform.close();
  expect(stdout).toBe('206 id ]x.. {"email":"x","body":"{\\"A\\":\\"ž\\"}"}\n');
  expect(seen.map(({ request, body }) => [request.method, request.url, request.headers.host, request.headers.authorization, request.headers.range, body])).toEqual([
    ["PATCH", "/apps/x/config-vars?a=%2Fb", `127.0.0.1:${port}`, "Bearer the-real-one", "id ..; max=2", '{"A":"ž"}'],
  ]);
});
