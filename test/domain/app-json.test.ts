import { expect, test } from "vitest";
import { EMPTY_APP_JSON, parseAppJson, startupChecks, type AppJson } from "../../server/domain/app-json.ts";
import { refusal } from "../support/refusal.ts";

const parse = (document: unknown): AppJson => parseAppJson(Buffer.from(typeof document === "string" ? document : JSON.stringify(document)));
const withCheck = (check: object): AppJson => parse({ healthchecks: { web: [check] } });

test("keys that the platform does not act on are left alone, at the top and inside", () => {
  const known = { name: "x", keywords: [1], addons: { any: true }, env: { A: { required: true } }, buildpacks: "?", stack: "heroku-24", cron: [{ command: "x; curl y", schedule: "@reboot" }] };
  expect(parse({ ...known, formation: { web: { quantity: 1, command: "?" } }, healthchecks: { web: [{ type: "startup", path: "/", onFailure: {} }] } })).toMatchObject({ formation: { web: { quantity: 1 } } });
  expect(parse({})).toEqual({ formation: {}, healthchecks: {} });
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

test("only startup checks decide about a new dyno, each for its own type", () => {
  const appJson = parse({ healthchecks: { web: [{ type: "liveness", path: "/live" }, { type: "startup", path: "/up" }], worker: [{ type: "startup", uptime: 1 }] } });
  expect(startupChecks(appJson, "web").map(({ path }) => path)).toEqual(["/up"]);
  expect(startupChecks(appJson, "clock")).toEqual([]);
  expect(startupChecks(EMPTY_APP_JSON, "constructor")).toEqual([]);
});
