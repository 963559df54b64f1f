/** Logging in through a browser, and what wrong tries come to. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
const PASSWORD = "the password of hal";
beforeAll(async () => {
  server = await startApiServer();
  await server.ask("POST", "/admin/users", { as: server.admin, json: { email: "hal@example.com", password: PASSWORD } });
});
afterAll(() => server.stop());
beforeEach(() => server.pass(600_000));

type Begun = { browser_url: string; cli_url: string; token: string };
const begin = async (description = "Heroku CLI login from laptop") => (await server.ask<Begun>("POST", "/auth", { as: null, json: { description } })).body;
const basic = (email: string, password: string) => ({ as: null, json: {}, headers: { authorization: `Basic ${Buffer.from(`${email}:${password}`).toString("base64")}` } });

/** The page as a browser has it: its form's token and its cookie. */
async function open({ browser_url: url }: Begun): Promise<{ text: string; formToken: string; cookie: string; headers: Headers }> {
  const page = await server.ask("GET", url, { as: null });
  return { text: page.text, formToken: /name="form_token" value="([\w-]+)"/.exec(page.text)?.[1] ?? "", cookie: page.headers.get("set-cookie")?.split(";")[0] ?? "", headers: page.headers };
}

function send({ browser_url: url }: Begun, fields: Record<string, string>, headers: Record<string, string>) {
  return server.ask("POST", url, { as: null, body: new URLSearchParams(fields).toString(), headers: { "content-type": "application/x-www-form-urlencoded", ...headers } });
}

describe("a login through a browser", () => {
  test("the CLI waits, the person logs in on the page, the CLI gets a session's token", async () => {
    const begun = await begin();
    expect(begun).toEqual({ browser_url: expect.stringMatching(/^\/auth\/browser\/[\w-]{43}$/) as string, cli_url: expect.stringMatching(/^\/auth\/cli\/[\w-]{43}$/) as string, token: expect.stringMatching(/^[\w-]{43}$/) as string });
    const waiting = server.ask<{ access_token: string }>("GET", begun.cli_url, { as: begun.token });
    const { text, formToken, cookie, headers } = await open(begun);
    expect(text).toContain("Heroku CLI login from laptop");
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("set-cookie")).toMatch(/HttpOnly; SameSite=Strict$/);
    expect(text).not.toMatch(/<script/i);
    const done = await send(begun, { form_token: formToken, email: "hal@example.com", password: PASSWORD }, { cookie, origin: server.url, "sec-fetch-site": "same-origin" });
    expect(done.status).toBe(200);
    expect(done.text).toContain("logged in as hal@example.com");
    const got = await waiting;
    expect(got).toMatchObject({ status: 200, body: { access_token: expect.stringMatching(/^paas_/) as string } });
    expect((await server.ask("GET", "/account", { as: got.body.access_token })).body).toMatchObject({ email: "hal@example.com" });

    const sessions = await server.ask<{ id: string; description: string }[]>("GET", "/oauth/sessions", { as: got.body.access_token });
    expect(sessions.body).toMatchObject([{ description: "Login from Heroku CLI login from laptop" }]);
    expect((await server.ask("GET", begun.cli_url, { as: begun.token })).status).toBe(404);
    expect((await server.ask("GET", begun.browser_url, { as: null })).status).toBe(404);
    // `heroku logout`
    expect((await server.ask("DELETE", "/oauth/sessions/~", { as: got.body.access_token })).status).toBe(200);
    expect((await server.ask("GET", "/account", { as: got.body.access_token })).status).toBe(401);
  });

  test("a wrong password shows the form again, and the CLI goes on waiting", async () => {
    const begun = await begin();
    const { formToken, cookie } = await open(begun);
    const wrong = await send(begun, { form_token: formToken, email: "hal@example.com", password: "wrong" }, { cookie });
    expect(wrong).toMatchObject({ status: 401, text: expect.stringContaining("The e-mail address or the password is wrong.") as string });
    expect(wrong.text).toContain(formToken);
    expect((await send(begun, { form_token: formToken, email: "hal@example.com", password: PASSWORD }, { cookie })).status).toBe(200);
    expect((await server.ask("GET", begun.cli_url, { as: begun.token })).status).toBe(200);
  });

  test.each([
    ["without the cookie", (form: { formToken: string; cookie: string }) => [form.formToken, {}]],
    ["with another form token", (form) => ["x".repeat(43), { cookie: form.cookie }]],
    ["from another site's page", (form) => [form.formToken, { cookie: form.cookie, origin: "https://evil.example.com" }]],
    ["from a page without an origin", (form) => [form.formToken, { cookie: form.cookie, origin: "null" }]],
    ["when the browser says that it crosses sites", (form) => [form.formToken, { cookie: form.cookie, "sec-fetch-site": "cross-site" }]],
  ] as [string, (form: { formToken: string; cookie: string }) => [string, Record<string, string>]][])("a form %s is refused", async (_name, forge) => {
    const begun = await begin();
    const [formToken, headers] = forge(await open(begun));
    expect((await send(begun, { form_token: formToken, email: "hal@example.com", password: PASSWORD }, headers)).status).toBe(403);
  });

  test("only the CLI that began it gets the token, and a JSON body is no form", async () => {
    const begun = await begin();
    for (const as of [null, "wrong", server.ann]) expect((await server.ask("GET", begun.cli_url, { as })).status).toBe(401);
    expect((await server.ask("GET", "/auth/cli/unknown", { as: begun.token })).status).toBe(404);
    expect((await server.ask("POST", begun.browser_url, { as: null, json: { email: "hal@example.com", password: PASSWORD } })).status).toBe(403);
  });

  test("what the CLI says of itself is shown as text", async () => {
    const { text } = await open(await begin("<img src=x onerror=alert(1)>\"'&"));
    expect(text).not.toContain("<img");
    expect(text).toContain("&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;");
  });

  test("a login is over after ten minutes, and one sender has at most twenty open", async () => {
    const begun = await begin();
    const waiting = server.ask("GET", begun.cli_url, { as: begun.token });
    await open(begun);
    server.pass(600_000);
    expect((await server.ask("GET", begun.browser_url, { as: null })).status).toBe(404);
    expect((await waiting).status).toBe(404);
    for (let n = 0; n < 20; n += 1) await begin();
    expect(await server.ask("POST", "/auth", { as: null, json: {} })).toMatchObject({ status: 429, body: { id: "rate_limit" } });
  });
});

describe("wrong tries", () => {
  const guess = (n: number) => server.ask("GET", "/account", { as: `paas_guess-${n}` });

  test("after ten in a minute more are answered with 429 and the time to wait, wherever they are made", async () => {
    for (let n = 0; n < 9; n += 1) expect((await guess(n)).status).toBe(401);
    expect((await server.ask("POST", "/oauth/authorizations", basic("hal@example.com", "wrong"))).status).toBe(401);
    const refused = await guess(10);
    expect(refused).toMatchObject({ status: 429, body: { id: "rate_limit" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
    // The right password is not told from a wrong one any more, whatever a header says about the sender.
    expect((await server.ask("POST", "/oauth/authorizations", basic("hal@example.com", PASSWORD))).status).toBe(429);
    for (let n = 0; n < 20; n += 1) expect((await server.ask("GET", "/account", { as: "paas_guess", headers: { "x-forwarded-for": `198.51.100.${n}`, forwarded: `for=198.51.100.${n}` } })).status).toBe(429);
    server.pass(60_000);
    expect((await server.ask("POST", "/oauth/authorizations", basic("hal@example.com", PASSWORD))).status).toBe(201);
  });

  test("a token of ours is let in all the same: nobody guesses one, and neighbours are not to blame", async () => {
    for (let n = 0; n < 11; n += 1) await guess(n);
    expect((await server.ask("GET", "/account")).status).toBe(200);
  });

  test("one that a person chose is refused with the guesses", async () => {
    server.store.tokens.add(server.admin.user.id, "chosen-by-a-person-1", "PAAS_ADMIN_TOKEN");
    expect((await server.ask("GET", "/account", { as: "chosen-by-a-person-1" })).status).toBe(200);
    for (let n = 0; n < 11; n += 1) await guess(n);
    expect((await server.ask("GET", "/account", { as: "chosen-by-a-person-1" })).status).toBe(429);
  });

  test("of a hundred passwords tried at once ten are judged", async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => server.ask("POST", "/oauth/authorizations", basic("hal@example.com", n === 60 ? PASSWORD : `wrong ${n}`))));
    const counts = [401, 201, 429].map((status) => answers.filter((answer) => answer.status === status).length);
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBeLessThanOrEqual(11);
    expect(counts.reduce((sum, count) => sum + count)).toBe(100);
  });

  test("requests without any credentials are no tries", async () => {
    for (let n = 0; n < 20; n += 1) expect((await server.ask("GET", "/account", { as: null })).status).toBe(401);
  });
});

test("a token's requests are counted down, and then refused with the time to wait", async () => {
  const small = await startApiServer(undefined, { PAAS_REQUESTS_PER_HOUR: "5" });
  const left = [];
  for (let n = 0; n < 5; n += 1) left.push((await small.ask("GET", "/account")).headers.get("ratelimit-remaining"));
  expect(left).toEqual(["4", "3", "2", "1", "0"]);
  const refused = await small.ask("GET", "/account");
  expect(refused).toMatchObject({ status: 429, body: { id: "rate_limit" } });
  expect(refused.headers.get("ratelimit-remaining")).toBe("0");
  // 12 minutes for one more, less what the requests took.
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(600);
  expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(720);
  expect((await small.ask("GET", "/account", { as: small.bob })).status).toBe(200);
  small.pass(720_000);
  expect((await small.ask("GET", "/account")).status).toBe(200);
  await small.stop();
});
