import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BuildFailure } from "../../buildpacks/lib/output.ts";
import { readStaticJson } from "../../buildpacks/static/lib/static-json.ts";

const folder = mkdtempSync(join(tmpdir(), "static-json-"));
afterAll(() => rmSync(folder, { recursive: true }));

function read(content: string): ReturnType<typeof readStaticJson> {
  writeFileSync(join(folder, "static.json"), content);
  return readStaticJson(folder);
}

describe("static.json", () => {
  it("is read with every key that is documented", () => {
    const site = read('\uFEFF{"root": "/dist/", "clean_urls": true, "https_only": false, "error_page": "a/404.html", "routes": {"/**": "index.html"}, "redirects": {"/a": {"url": "/b"}}, "headers": {"/": {"X-A": "1"}}}');
    expect(site).toMatchObject({ root: "dist", cleanUrls: true, httpsOnly: false, errorPage: "a/404.html", routes: [["/**", "index.html"]], redirects: [["/a", { url: "/b", status: 301 }]], headers: [["/", { "X-A": "1" }]] });
  });

  it.each([
    ['{"proxies": {}}', '"proxies" in static.json is not supported.'],
    ['{"constructor": {}}', '"constructor" in static.json is not supported.'],
    ['{"__proto__": {}}', '"__proto__" in static.json is not supported.'],
    ['{"root": "../.."}', '"root" in static.json is "../..", which leaves the app.'],
    ['{"root": 1}', '"root" in static.json must be a line of text.'],
    ['{"clean_urls": "yes"}', '"clean_urls" in static.json must be true or false.'],
    ['{"encoding": "utf-8; x"}', '"encoding" in static.json must be the name of a character set.'],
    ['{"canonical_host": "a b"}', '"canonical_host" in static.json must be a host name, or ${CONFIG_VAR}.'],
    ['{"routes": {"no-slash": "index.html"}}', '"routes" in static.json names "no-slash": a path starts with "/".'],
    ['{"redirects": {"/a": "/b"}}', '"redirects["/a"]" in static.json must be an object.'],
    ['{"redirects": {"/a": {"url": "/b", "status": 200}}}', 'redirects["/a"].status in static.json is 200.'],
    ['{"redirects": {"/a": {"url": "/b", "code": 302}}}', 'redirects["/a"].code in static.json is not known.'],
    ['{"headers": {"/**": {"Bad Name": "x"}}}', 'headers["/**"] in static.json names "Bad Name", which is no header name.'],
    ['{"headers": {"/**": {"X-A": "a\\r\\nX-B: b"}}}', '"headers["/**"].X-A" in static.json must be a line of text.'],
    ['{"logging": {"error": "loud"}}', '"logging.error" in static.json is not known, or not one of its values.'],
    ['{\n  "root": "a",\n}', "Unable to parse static.json: Expected double-quoted property name at line 3:"],
    ["[]", "static.json must be an object."],
  ])("is refused with the key named: %s", (content, reason) => {
    expect(() => read(content)).toThrow(expect.toSatisfy((error: unknown) => error instanceof BuildFailure && error.lines[0] === reason));
  });

  it("names what is known where a key is not", () => {
    expect(() => read('{"cleanurls": true}')).toThrow(expect.toSatisfy((error: BuildFailure) => error.lines[1]?.startsWith("Known: root, clean_urls,") === true));
  });
});
