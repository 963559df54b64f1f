import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../support/api-server.ts";
import { paasCli, type PaasCli } from "../support/paas-cli.ts";

const PASSWORD = "a long enough password";

let server: ApiServer;
let cli: PaasCli;
beforeAll(async () => {
  server = await startApiServer();
  await server.ask("PATCH", `/admin/users/ann@example.com`, { as: server.admin, json: { password: PASSWORD } });
});
afterAll(() => server.stop());
beforeEach(() => (cli = paasCli()));
afterEach(() => cli.remove());

const stored = () => JSON.parse(readFileSync(cli.credentialsFile, "utf8")) as Record<string, string>;

test("login asks for URL and token, checks them, and keeps them where only their owner can read", async () => {
  const { code, stderr } = await cli.run(["login"], { input: `${server.url}\n\n${server.ann.token}\n` });
  expect([code, stderr]).toEqual([0, expect.stringContaining(`Logged in to ${server.url} as ann@example.com`)]);
  expect(stored()).toEqual({ url: server.url, token: server.ann.token, email: "ann@example.com" });
  expect([statSync(cli.credentialsFile).mode & 0o777, statSync(dirname(cli.credentialsFile)).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(await cli.must(["whoami"])).toBe("ann@example.com\n");
});

test("login with address and password makes a token of its own, and logout revokes it", async () => {
  await cli.must(["login", "--url", server.url], { input: `ann@example.com\n${PASSWORD}\n` });
  const { token } = stored();
  expect(token).not.toBe(server.ann.token);
  expect((await server.ask("GET", "/account", { as: token ?? "" })).status).toBe(200);
  await cli.must(["logout"]);
  expect((await server.ask("GET", "/account", { as: token ?? "" })).status).toBe(401);
  expect(existsSync(cli.credentialsFile)).toBe(false);
});

test("logout leaves a token alone that the person brought", async () => {
  await cli.must(["login", "--url", server.url, "--with-token"], { input: server.ann.token });
  await cli.must(["logout"]);
  expect((await server.ask("GET", "/account")).status).toBe(200);
  expect((await cli.run(["whoami"])).stderr).toContain("paas login");
});

test.each([
  ["a wrong token", ["--with-token"], "nonsense", 1, "unauthorized"],
  ["a wrong password", ["--email", "ann@example.com"], "wrong", 1, "unauthorized"],
  ["an input that ends early", [], "", 1, "ended before"],
  ["a URL that is none", ["--url", "ftp://x"], "", 2, "no API URL"],
  ["an address where nobody answers", ["--url", "http://127.0.0.1:9", "--with-token"], "nonsense", 1, "cannot be reached"],
])("%s is refused with its reason, and nothing is stored", async (_, args, input, code, reason) => {
  const said = await cli.run(["login", ...(args.includes("--url") ? [] : ["--url", server.url]), ...args], { input });
  expect([said.code, said.stderr]).toEqual([code, expect.stringContaining(reason)]);
  expect(existsSync(cli.credentialsFile)).toBe(false);
});

test("what was typed as a secret is not shown", async () => {
  const { stdout, stderr } = await cli.run(["login", "--url", server.url, "--with-token"], { input: server.ann.token });
  expect(stdout + stderr).not.toContain(server.ann.token);
});

test("a machine that no person logs in on is told by PAAS_API_URL and PAAS_API_TOKEN", async () => {
  expect(await cli.must(["whoami"], { env: { PAAS_API_URL: server.url, PAAS_API_TOKEN: server.bob.token } })).toBe("bob@example.com\n");
});

test("damaged credentials are named, with what to do", async () => {
  await cli.must(["login", "--url", server.url, "--with-token"], { input: server.ann.token });
  writeFileSync(cli.credentialsFile, "{");
  const { code, stderr } = await cli.run(["whoami"]);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/credentials\.json is damaged.*paas login/)]);
});
