import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folder, openWorkbench, type Dyno, type Tree, type Workbench } from "./workbench.ts";

let bench: Workbench;
let site: Dyno;

const LONG = "A page that is long enough to be worth compressing. ".repeat(40);
const SITE: Tree = {
  "static.json": JSON.stringify({
    root: "site",
    clean_urls: true,
    error_page: "oops.html",
    routes: { "/api/*": "data/one.json", "/app/**": "index.html" },
    redirects: { "/gone/": { url: "/about", status: 302 }, "/elsewhere": { url: "${OTHER}/there?a=$1" }, "/robots.txt": { url: "/never" } },
    headers: {
      "/**": { "X-Everywhere": 'a "quoted" $value;', "X-Frame-Options": "DENY" },
      "/assets/**": { "Cache-Control": "public, max-age=60" },
      "/": { "Cache-Control": "no-store" },
    },
  }),
  "site/index.html": "<h1>home</h1>",
  "site/about.html": "<h1>about</h1>",
  "site/oops.html": "<h1>oops</h1>",
  "site/long.html": LONG,
  "site/robots.txt": "User-agent: *\n",
  "site/docs/index.html": "<h1>docs</h1>",
  "site/data/one.json": '{"one": 1}',
  "site/assets/plain.js": "1",
  "site/files/app.3f2a9b1c.js": "2",
  "site/files/report-20240101.pdf": "3",
  "site/.env": "SECRET=1",
  "site/.git/config": "x",
  "site/.well-known/security.txt": "Contact: x",
};

beforeAll(async () => {
  bench = await openWorkbench();
  const { image, output } = await bench.build(SITE, { keep: true });
  if (!image) throw new Error(output);
  site = await bench.start(image, "bin/boot", { OTHER: "https://other.example" });
});
afterAll(() => bench.close());

describe("a static site", () => {
  it.each([
    ["/", 200, "<h1>home</h1>"],
    ["/about", 200, "<h1>about</h1>"],
    ["/about.html?x=1", 200, "<h1>about</h1>"],
    ["/docs/", 200, "<h1>docs</h1>"],
    ["/.well-known/security.txt", 200, "Contact: x"],
    ["/app/any/path", 200, "<h1>home</h1>"],
    ["/app/any/folder/", 200, "<h1>home</h1>"],
    ["/api/item", 200, '{"one": 1}'],
    ["/api/deep/item", 404, "<h1>oops</h1>"],
    ["/nothing", 404, "<h1>oops</h1>"],
    ["/assets/", 404, "<h1>oops</h1>"],
    ["/.env", 404, "<h1>oops</h1>"],
    ["/.git/config", 404, "<h1>oops</h1>"],
    ["/%2e%2e/static.json", 400, ""],
    ["/..%2fstatic.json", 400, ""],
    ["/robots.txt", 200, "User-agent: *\n"],
  ])("answers %s with %i", async (path, status, body) => {
    const answer = await site.get(path);
    expect(answer.status).toBe(status);
    if (body) expect(answer.body).toBe(body);
  });

  it("redirects as told, by relative or absolute URL, with config vars filled in", async () => {
    const answers = await Promise.all(["/gone/", "/elsewhere", "/docs"].map((path) => site.get(path)));
    expect(answers.map(({ status, headers }) => [status, headers.location])).toEqual([[302, "/about"], [301, "https://other.example/there?a=$1"], [301, "/docs/"]]);
  });

  it("sends the headers of the last pattern that matches, and its own where that says nothing", async () => {
    const [home, about, asset, missing] = await Promise.all(["/", "/about", "/assets/plain.js", "/nothing"].map((path) => site.get(path)));
    expect(home?.headers).toMatchObject({ "cache-control": "no-store" });
    expect(home?.headers["x-everywhere"]).toBeUndefined();
    expect(about?.headers).toMatchObject({ "x-everywhere": 'a "quoted" $value;', "x-frame-options": "DENY", "cache-control": "public, max-age=0, must-revalidate", "x-content-type-options": "nosniff" });
    expect(asset?.headers).toMatchObject({ "cache-control": "public, max-age=60", "content-type": "application/javascript; charset=UTF-8" });
    expect(missing?.headers).toMatchObject({ "x-frame-options": "DENY" });
    expect(missing?.headers["cache-control"]).toBeUndefined();
  });

  it("lets browsers keep for good only what carries a hash of its content in its name", async () => {
    const control = async (path: string): Promise<string | undefined> => (await site.get(path)).headers["cache-control"];
    expect(await control("/files/app.3f2a9b1c.js")).toBe("public, max-age=31536000, immutable");
    expect(await control("/files/report-20240101.pdf")).toBe("public, max-age=0, must-revalidate");
    expect(await control("/app/app.3f2a9b1c.js")).toBe("public, max-age=0, must-revalidate");
  });

  it("answers 304 to its own ETag, and says no date that means nothing", async () => {
    const first = await site.get("/about");
    expect(first.headers["last-modified"]).toBeUndefined();
    expect((await site.get("/about", { "If-None-Match": first.headers.etag })).status).toBe(304);
    expect((await site.get("/about", { "If-None-Match": '"other"' })).status).toBe(200);
  });

  it("compresses for those who ask", async () => {
    const { headers, body } = await site.get("/long", { "Accept-Encoding": "gzip" });
    expect(headers).toMatchObject({ "content-encoding": "gzip", vary: "Accept-Encoding" });
    expect(body.length).toBeLessThan(LONG.length / 4);
  });

  it("refuses to be written to", async () => {
    expect((await site.get("/about", {}, "POST")).status).toBe(405);
  });

  it("logs a line a request, and who asked for it", async () => {
    await site.get("/logged", { "X-Request-Id": "id-of-this-request" });
    await site.says(/"GET \/logged HTTP\/1\.1" 404 \d+ request_id=id-of-this-request\n/);
  });

  it("serves the example, keeps ETags over a release that changes another file, and finishes on SIGTERM", async () => {
    const example = folder("examples/static-site");
    const [first, second] = await Promise.all([bench.build(example, { keep: true }), bench.build({ ...example, "about.html": "changed" }, { keep: true })]);
    const [one, two] = await Promise.all([bench.start(first.image, "bin/boot"), bench.start(second.image, "bin/boot")]);
    const etags = async (dyno: Dyno): Promise<unknown[]> => [(await dyno.get("/")).headers.etag, (await dyno.get("/about")).headers.etag];
    const [before, after] = [await etags(one), await etags(two)];
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
    expect((await one.get("/static.json")).status).toBe(404);
    await one.signal("SIGTERM");
    expect(await one.ended()).toBe(0);
    expect(one.output()).not.toMatch(/warn|emerg|alert|\[error\]/);
  });
});

describe("https_only and canonical_host", () => {
  it("send everyone to the right place", async () => {
    const tree = { "index.html": "<h1>home</h1>", "static.json": '{"https_only": true, "canonical_host": "${MAIN_HOST}", "logging": {"access": false}, "encoding": "US-ASCII"}' };
    const { image } = await bench.build(tree, { keep: true });
    const dyno = await bench.start(image, "bin/boot", { MAIN_HOST: "www.example.test" });
    const plain = await dyno.get("/a?b=c", { Host: "www.example.test", "X-Forwarded-Proto": "http" });
    expect([plain.status, plain.headers.location]).toEqual([301, "https://www.example.test/a?b=c"]);
    const other = await dyno.get("/a", { Host: "example.test", "X-Forwarded-Proto": "https" });
    expect([other.status, other.headers.location]).toEqual([301, "https://www.example.test/a"]);
    const right = await dyno.get("/", { Host: "www.example.test", "X-Forwarded-Proto": "https" });
    expect([right.status, right.headers["content-type"]]).toEqual([200, "text/html; charset=US-ASCII"]);
    expect(dyno.output()).toBe("");
  });

  it("need their config var: a dyno without it says so and ends", async () => {
    const { image } = await bench.build({ "index.html": "x", "static.json": '{"redirects": {"/a": {"url": "${NOWHERE}/x"}}}' }, { keep: true });
    const unset = await bench.start(image, "bin/boot");
    expect(await unset.ended()).toBe(1);
    expect(unset.output()).toContain("static.json refers to the config var NOWHERE, which is not set");
    const evil = await bench.start(image, "bin/boot", { NOWHERE: 'x"; } location / { return 200 "owned' });
    expect(await evil.ended()).toBe(1);
  });
});

it("a static.json that is wrong fails the build with the reason", async () => {
  const built = await bench.build({ "index.html": "x", "static.json": '{"basic_auth": true}' });
  expect(built.code).toBe(1);
  expect(built.output).toContain('\n !     "basic_auth" in static.json is not supported.\n');
  expect(built.output).toContain(" !     Push rejected, failed to compile Static HTML app.");
});
