import { expect, test } from "vitest";
import { appJsonIn, EMPTY_APP_JSON, parseAppJson, standingChecks, startupChecks, type AppJson } from "../../server/domain/app-json.ts";
import { refusal } from "../support/refusal.ts";

const parse = (document: unknown): AppJson => parseAppJson(Buffer.from(typeof document === "string" ? document : JSON.stringify(document)));
const withCheck = (check: object): AppJson => parse({ healthchecks: { web: [check] } });

test("keys that the platform does not act on are left alone, at the top and inside", () => {
  const known = { name: "x", keywords: [1], website: {}, image: 3, success_url: "/", environments: { production: "?" }, cron: [{ command: "x; curl y", schedule: "@reboot" }] };
  expect(parse({ ...known, formation: { web: { quantity: 1, command: "?" } }, healthchecks: { web: [{ type: "startup", path: "/", onFailure: {} }] } })).toMatchObject({ formation: { web: { quantity: 1 } } });
  expect(parse({})).toEqual(EMPTY_APP_JSON);
});

test("what Heroku's schema has is read: env, scripts, buildpacks, add-ons, stack", () => {
  const env = { PLAIN: "1", EMPTY: "", SECRET: { description: "signs cookies", generator: "secret" }, ASKED: { description: "of the mailer" }, OPTIONAL: { required: false, value: "x" } };
  const scripts = { postdeploy: "./seed", "pr-predestroy": "./bye", test: "npm test", "test-setup": "./prepare" };
  const document = { env, scripts, buildpacks: [{ url: "heroku/nodejs" }, { url: "https://example.com/b.git#v1" }], addons: ["heroku-postgresql", { plan: "heroku-redis:mini", as: "CACHE" }], stack: "heroku-24" };
  expect(parse(document)).toEqual({
    ...EMPTY_APP_JSON,
    env: { PLAIN: { value: "1", required: true }, EMPTY: { value: "", required: true }, SECRET: { ...env.SECRET, required: true }, ASKED: { ...env.ASKED, required: true }, OPTIONAL: env.OPTIONAL },
    scripts, buildpacks: document.buildpacks, addons: ["heroku-postgresql", "heroku-redis:mini"], stack: "heroku-24",
  });
});

test("an environment overrides env, formation and scripts name by name, buildpacks and add-ons as a whole", () => {
  const appJson = parse({
    env: { A: "1", B: "1" }, formation: { web: { quantity: 2 }, worker: { quantity: 1 } }, scripts: { postdeploy: "./seed", test: "npm test" }, buildpacks: [{ url: "heroku/nodejs" }, { url: "heroku/python" }], addons: ["x"],
    environments: { review: { env: { B: "2", C: { generator: "secret" } }, formation: { web: { quantity: 1 } }, scripts: { postdeploy: "" }, buildpacks: [], addons: [] } },
  });
  expect(appJsonIn(appJson, "review")).toEqual({
    ...appJson,
    env: { A: { value: "1", required: true }, B: { value: "2", required: true }, C: { generator: "secret", required: true } },
    formation: { web: { quantity: 1 }, worker: { quantity: 1 } }, scripts: { postdeploy: "", test: "npm test" }, buildpacks: [], addons: [],
  });
  expect(appJsonIn(appJson, "test")).toEqual(appJson);
});

test("a check in Dokku's format is read, and what it leaves out has Dokku's defaults", () => {
  expect(withCheck({ type: "startup", path: "/up" }).healthchecks["web"]).toEqual([
    { type: "startup", name: "", path: "/up", httpHeaders: [], scheme: "http", attempts: 3, initialDelay: 0, timeout: 5, wait: 5, warn: false },
  ]);
  const full = {
    type: "readiness", name: "web check", path: "/health?deep=1", content: "ok", httpHeaders: [{ name: "X-A", value: "b" }],
    scheme: "https", port: 8443, attempts: 5, initialDelay: 2.5, timeout: 10, wait: 1, warn: true,
  };
  expect(withCheck(full).healthchecks["web"]).toEqual([full]);
});

test.each([{ command: ["./check", "--deep; true"] }, { uptime: 3 }, { listening: true }])("a check may ask for %j", (what) => {
  expect(withCheck({ type: "startup", ...what }).healthchecks["web"]?.[0]).toMatchObject(what);
});

test.each([
  ["J1, a trailing comma", '{"formation":{},}'],
  ["J2, a comment", '{ // x\n}'],
  ["nothing", ""],
  ["a document cut short", '{"formation":'],
])("%s is refused as no JSON", (_, text) => {
  expect(refusal(() => parse(text)).message).toMatch(/^app\.json: is not valid JSON: ./);
});

test("invalid UTF-8 is refused as no JSON", () => {
  expect(refusal(() => parseAppJson(Uint8Array.of(0x7b, 0xff, 0x7d))).message).toMatch(/^app\.json: is not valid JSON/);
});

test.each<[string, string, RegExp]>([
  ["J3, 50 MB", " ".repeat(50 * 1024 * 1024), /^app\.json: larger than 256 KiB\.$/],
  ["J4, 100,000 deep", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, /^app\.json: /],
  ["J20, an array at the top", "[]", /the document must be object/],
  ["null", "null", /the document must be object/],
])("%s is refused", (_, text, message) => {
  expect(refusal(() => parse(text)).message).toMatch(message);
});

test.each([
  ["J7, a quantity below 0", { formation: { web: { quantity: -1 } } }, "formation.web.quantity must be >= 0"],
  ["J7, a quantity of 1e9", { formation: { web: { quantity: 1e9 } } }, "formation.web.quantity must be <= 100"],
  ["J7, a quantity in quotes", { formation: { web: { quantity: "2" } } }, "formation.web.quantity must be integer"],
  ["a quantity of 1.5", { formation: { web: { quantity: 1.5 } } }, "formation.web.quantity must be integer"],
  ["no quantity", { formation: { web: {} } }, "formation.web must have required property 'quantity'"],
  ["a type in capitals", { formation: { WEB: { quantity: 1 } } }, "formation property name must be valid"],
  ["a formation that is a list", { formation: [] }, "formation must be object"],
])("%s is refused by its name", (_, document, sentence) => {
  expect(refusal(() => parse(document)).message).toContain(sentence);
});

test.each([
  ["J8, a path to another host", { path: "http://169.254.169.254/" }, "healthchecks.web.0.path must match pattern"],
  ["J9, a path with an authority", { path: "//evil/x" }, "healthchecks.web.0.path must match pattern"],
  ["J10, a path with a line feed", { path: "/a\r\nHost: b" }, "healthchecks.web.0.path must match pattern"],
  ["a path with a line feed at its end", { path: "/a\n" }, "healthchecks.web.0.path must match pattern"],
  ["J11, a timeout of 0", { path: "/", timeout: 0 }, "healthchecks.web.0.timeout must be > 0"],
  ["J11, a timeout of 1e12", { path: "/", timeout: 1e12 }, "healthchecks.web.0.timeout must be <= 600"],
  ["a header with a line feed", { path: "/", httpHeaders: [{ name: "A", value: "b\r\nC: d" }] }, "healthchecks.web.0.httpHeaders.0.value must match pattern"],
  ["a header name with a colon", { path: "/", httpHeaders: [{ name: "A:", value: "b" }] }, "healthchecks.web.0.httpHeaders.0.name must match pattern"],
  ["a command with a NUL byte", { command: ["a\0b"] }, "healthchecks.web.0.command.0 must match pattern"],
  ["an empty command", { command: [] }, "healthchecks.web.0.command must NOT have fewer than 1 items"],
  ["a command as one string", { command: "curl /" }, "healthchecks.web.0.command must be array"],
  ["a port of 0", { path: "/", port: 0 }, "healthchecks.web.0.port must be >= 1"],
  ["an unknown type", { type: "sometimes", path: "/" }, "healthchecks.web.0.type must be one of startup, readiness, liveness"],
  ["nothing to check", {}, "healthchecks.web.0 must have exactly one of path, command, uptime and listening"],
  ["two things to check", { path: "/", uptime: 3 }, "healthchecks.web.0 must have exactly one of path, command, uptime and listening"],
])("a check with %s is refused by its name", (_, check, sentence) => {
  const { message } = refusal(() => withCheck({ type: "startup", ...check }));
  expect(message).toMatch(/^app\.json: /);
  expect(message).toContain(sentence);
  expect(message).not.toMatch(/required property '(path|command|uptime|listening)'/);
});

test.each([
  ["an env that is a list", { env: [] }, "env must be object"],
  ["a number as a value", { env: { A: 1 } }, "env.A must be string,object"],
  ["a number as a value inside", { env: { A: { value: 1 } } }, "env.A.value must be string"],
  ["an unknown generator", { env: { A: { generator: "uuid" } } }, 'env.A.generator must be "secret"'],
  ["a required that is no boolean", { env: { A: { required: "yes" } } }, "env.A.required must be boolean"],
  ["a name that no shell takes", { env: { "A;id": "x" } }, 'env: config var "A;id": a name has letters'],
  ["a name that the platform sets", { env: { PORT: "80" } }, "env: config var PORT: this name is set by the platform"],
  ["__proto__ as a name", '{"env": {"__proto__": "x"}}', 'env: config var "__proto__": a name has letters'],
  ["a value with a NUL byte", { environments: { review: { env: { A: "a\0b" } } } }, "environments.review.env: config var A: the value holds a NUL byte"],
  ["a script that is a list", { scripts: { test: ["npm", "test"] } }, "scripts.test must be string"],
  ["a script with a NUL byte", { scripts: { postdeploy: "a\0b" } }, "scripts.postdeploy must match pattern"],
  ["buildpacks that are no list", { buildpacks: "heroku/nodejs" }, "buildpacks must be array"],
  ["a buildpack without a url", { buildpacks: [{}] }, "buildpacks.0 must have required property 'url'"],
  ["a buildpack url with a line feed", { buildpacks: [{ url: "https://h/r\n" }] }, "buildpacks.0.url must match pattern"],
  ["add-ons that are no list", { addons: { any: true } }, "addons must be array"],
  ["an add-on without a plan", { addons: [{ as: "X" }] }, "addons.0 must have required property 'plan'"],
  ["J19, an unknown stack", { stack: "cedar-14" }, "stack must be debian-12, \"container\" (a Dockerfile), or one of Heroku's such as heroku-24"],
  ["environments that are a list", { environments: [] }, "environments must be object"],
  ["an environment that is a text", { environments: { test: "npm test" } }, "environments.test must be object"],
  ["a bad field in an environment", { environments: { test: { formation: { web: { quantity: "2" } } } } }, "environments.test.formation.web.quantity must be integer"],
])("%s is refused by its name", (_, document, sentence) => {
  expect(refusal(() => parse(document)).message).toMatch(/^app\.json: /);
  expect(refusal(() => parse(document)).message).toContain(sentence);
});

test("every field that is wrong is named at once", () => {
  const { message } = refusal(() => parse({ formation: { web: { quantity: -1 }, worker: { quantity: "x" } }, healthchecks: { web: [{ type: "startup", path: "x" }] } }));
  expect(message).toContain("formation.web.quantity");
  expect(message).toContain("formation.worker.quantity");
  expect(message).toContain("healthchecks.web.0.path");
});

test("J5: __proto__ as a key alters nothing", () => {
  const read = parse('{"__proto__": {"polluted": 1}, "formation": {"web": {"quantity": 1, "__proto__": {"size": "x"}}}}');
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect((read as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(refusal(() => parse('{"formation": {"__proto__": {"quantity": 1}}}')).message).toContain("formation property name must be valid");
});

test("J6: of a key that stands there twice the last one counts, as everywhere in JSON", () => {
  expect(parse('{"formation": {"web": {"quantity": 1}}, "formation": {"web": {"quantity": 2}}}').formation).toEqual({ web: { quantity: 2 } });
});

test("startup and readiness checks decide about a new dyno, liveness and readiness ones go on, each for its own type", () => {
  const check = (type: string, path: string): object => ({ type, path });
  const appJson = parse({ healthchecks: { web: [check("liveness", "/live"), check("startup", "/up"), check("readiness", "/ready"), { type: "liveness", uptime: 9 }], worker: [{ type: "startup", uptime: 1 }] } });
  expect(startupChecks(appJson, "web").map(({ path }) => path)).toEqual(["/up", "/ready"]);
  expect(standingChecks(appJson, "web").map(({ path }) => path)).toEqual(["/live", "/ready"]);
  expect(standingChecks(appJson, "worker")).toEqual([]);
  expect(startupChecks(appJson, "clock")).toEqual([]);
  expect(startupChecks(EMPTY_APP_JSON, "constructor")).toEqual([]);
});
