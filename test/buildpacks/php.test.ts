import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import { CAUSES } from "../../buildpacks/php/lib/causes.ts";
import { overload } from "../support/overload.ts";
import { zip } from "../support/zip.ts";
import { PHP_FAILURES } from "./php-failures.ts";
import { openWorkbench, type Tree, type Workbench } from "./workbench.ts";

const SHOUT = zip({ "composer.json": '{"name": "acme/shout", "version": "1.0.0", "autoload": {"files": ["shout.php"]}}', "shout.php": "<?php function shout(string $text): string { return strtoupper($text); }\n" });
const MANIFEST = {
  name: "acme/app",
  repositories: [{ type: "path", url: "packages/*", options: { symlink: false } }, { type: "artifact", url: "artifacts" }, { "packagist": false }],
  require: { php: ">=8.1", "ext-mbstring": "*", "acme/greeting": "1.0.0", "acme/shout": "1.0.0" },
  autoload: { "psr-4": { "App\\": "src/" } },
  scripts: { compile: "@php -r \"file_put_contents('web/compiled.txt', getenv('WORD'));\"" },
  extra: { heroku: { "document-root": "web", "php-config": ["date.timezone=UTC"] } },
};
const LOCK = {
  packages: [
    { name: "acme/greeting", version: "1.0.0", dist: { type: "path", url: "packages/greeting", reference: "0" }, type: "library", autoload: { "psr-4": { "Acme\\": "src/" } }, "transport-options": { symlink: false, relative: true } },
    { name: "acme/shout", version: "1.0.0", dist: { type: "zip", url: "artifacts/acme-shout-1.0.0.zip", shasum: createHash("sha1").update(SHOUT).digest("hex") }, type: "library", autoload: { files: ["shout.php"] } },
  ],
  "packages-dev": [],
  "minimum-stability": "stable",
  platform: { php: ">=8.1", "ext-mbstring": "*" },
  "plugin-api-version": "2.3.0",
};
const APP: Tree = {
  "composer.json": JSON.stringify(MANIFEST),
  "composer.lock": JSON.stringify(LOCK),
  "packages/greeting/composer.json": '{"name": "acme/greeting", "version": "1.0.0", "autoload": {"psr-4": {"Acme\\\\": "src/"}}}',
  "packages/greeting/src/Greeting.php": "<?php namespace Acme; class Greeting { const TEXT = 'hello'; }\n",
  "artifacts/acme-shout-1.0.0.zip": SHOUT,
  "src/Page.php": "<?php namespace App; class Page { static function text() { return shout(\\Acme\\Greeting::TEXT); } }\n",
  "web/index.php": "<?php require __DIR__ . '/../vendor/autoload.php'; echo App\\Page::text();\n",
};

/** What a program tells of its request. */
const SITE: Tree = {
  "index.php": `<?php
    if (isset($_GET["log"])) { file_put_contents("/tmp/app.log", "noted by the app\\n", FILE_APPEND); }
    if (isset($_GET["slow"])) { error_log("in the middle"); sleep(2); }
    echo json_encode([...array_intersect_key($_SERVER, array_flip(["REQUEST_URI", "PATH_INFO", "HTTPS", "PHP_AUTH_USER"])), "color" => $_ENV["COLOR"] ?? null, "zone" => ini_get("date.timezone"), "limit" => ini_get("memory_limit")]);\n`,
  ".htaccess": "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^ index.php [L]\n",
  "nginx.conf": "location /pretty { try_files $uri /index.php$is_args$args; }\n",
  "made.conf.php": "location /made { return 200 '<?= getenv('COLOR') ?>'; }\n",
  "fpm.conf": "php_value[memory_limit] = 256M\n",
  "app.ini": "date.timezone = Europe/Vienna\n",
  "style.css": "a{}",
  ".env": "SECRET=1",
  "vendor/acme/secret.txt": "x",
  Procfile: "web: vendor/bin/heroku-php-nginx -C nginx.conf -F fpm.conf -i app.ini\n",
  "docs/index.html": "docs",
};

/** The first build makes the image of the buildpack's packages; the others begin in it. */
const LAST = ["php"];

let bench: Workbench;
let site: string;
beforeAll(async () => {
  bench = await openWorkbench();
  const built = await bench.build(SITE, { keep: true });
  if (!built.image) throw new Error(built.output);
  expect(built.out).toMatchObject({ buildpack: "PHP\n", "release.yml": '---\ndefault_process_types:\n  web: "heroku-php-apache2"\n' });
  site = built.image;
}, 300_000);
afterAll(() => bench.close());

describe("a folder with index.php", () => {
  it.each(["vendor/bin/heroku-php-nginx -C nginx.conf", "heroku-php-apache2"])("is served by `%s`: programs by PHP, files as they are, and nothing that is no part of the site", async (command) => {
    const dyno = await bench.start(site, command, { COLOR: "blue" });
    const told = async (path: string, headers = {}): Promise<unknown> => JSON.parse((await dyno.get(path, headers)).body) as unknown;
    expect(await told("/?a=1", { "X-Forwarded-Proto": "https", Authorization: `Basic ${btoa("me:secret")}` })).toMatchObject({ REQUEST_URI: "/?a=1", HTTPS: "on", PHP_AUTH_USER: "me", color: "blue", limit: "128M" });
    expect(await told("/index.php/deep/path")).toMatchObject({ PATH_INFO: "/deep/path" });
    expect(await told("/index.php/deep/path")).not.toHaveProperty("HTTPS");
    expect(await told("/pretty/page?b=2")).toMatchObject({ REQUEST_URI: "/pretty/page?b=2" });
    expect(await dyno.get("/style.css")).toMatchObject({ status: 200, body: "a{}", headers: { "content-type": "text/css" } });
    const hidden = await Promise.all(["/.env", "/Procfile", "/composer.json", "/vendor/acme/secret.txt"].map((path) => dyno.get(path)));
    expect(hidden.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect(dyno.output()).toMatch(/serves \/app on port 5000; PHP takes 8 requests at a time/);
    await dyno.says(/"GET \/style\.css HTTP\/1\.1" 200 3 request_id=/);
  });

  it("is served with the settings, with what a program says of them, with its log file told, and from the folder that the command names", async () => {
    const dyno = await bench.start(site, "heroku-php-nginx -C made.conf.php -F fpm.conf -i app.ini -l /tmp/app.log .", { COLOR: "blue" });
    expect((await dyno.get("/made")).body).toBe("blue");
    // Whoever follows the file may begin to do so later than the first line.
    await expect.poll(async () => ((await dyno.get("/?log=1")).status === 200 ? dyno.output() : ""), { timeout: 20_000 * overload() }).toMatch(/^noted by the app$/m);
    expect(JSON.parse((await dyno.get("/")).body)).toMatchObject({ limit: "256M", zone: "Europe/Vienna" });
    expect(dyno.output()).toContain("PHP takes 4 requests at a time");
    const docs = await bench.start(site, "heroku-php-apache2 docs/");
    expect((await docs.get("/")).body).toBe("docs");
  });

  it("is not served by a command that cannot be followed, which says why", async () => {
    const said = await Promise.all(["heroku-php-nginx nosuch", "heroku-php-apache2 -C nosuch.conf", "heroku-php-nginx -c all.conf", "heroku-php-nginx -C fpm.conf"].map(async (command) => {
      const dyno = await bench.start(site, command);
      const code = await dyno.ended();
      // PHP-FPM may say goodbye behind it.
      return [code, dyno.output().split("\n").filter((line) => line.startsWith("heroku-php")).join()];
    }));
    expect(said).toEqual([
      [1, 'heroku-php-nginx: there is no folder "nosuch" to serve.'],
      [1, "heroku-php-apache2: -C names nosuch.conf, and there is no such file."],
      [1, "heroku-php-nginx: -c takes the place of the whole configuration, which is not supported here. Write what is to be different into a file for -C."],
      [1, "heroku-php-nginx: nginx has ended (exit code 1), so the dyno ends"],
    ]);
  });

  it("answers a request that SIGTERM meets before the dyno ends", async () => {
    const ended = await Promise.all(["heroku-php-nginx", "heroku-php-apache2", "true && heroku-php-nginx"].map(async (command) => {
      const dyno = await bench.start(site, command);
      await dyno.get("/");
      const slow = dyno.get("/?slow=1");
      await dyno.says(/in the middle/);
      await dyno.signal("SIGTERM");
      return [(await slow).status, await dyno.ended()];
    }));
    expect(ended).toEqual([[200, 0], [200, 0], [200, 0]]);
  });

  it("ends the dyno when PHP-FPM dies", async () => {
    const dyno = await bench.start(site, "heroku-php-nginx & server=$!; until pkill -KILL -f '[p]hp-fpm: master'; do sleep 0.1; done; wait $server");
    expect(await dyno.ended()).toBe(137);
    expect(dyno.output()).toContain("heroku-php-nginx: php-fpm has ended (exit code 137), so the dyno ends");
  });
});

describe("an app with packages", () => {
  it("gets them from its own folders and archives, once for an unchanged lock file, with an autoloader of its own classes every time", async () => {
    const first = await bench.build(APP, { last: LAST, cache: "php", config: { WORD: "one" }, keep: true });
    expect(first.output).toContain("Installing acme/greeting (1.0.0): Mirroring from packages/greeting");
    expect(first.output).toContain(' !     "extra.heroku.php-config" in composer.json is not supported: write it into .user.ini');
    expect(first.output).toContain("       Document root: web/");
    expect(first.code).toBe(0);

    const { "src/Page.php": page, "web/index.php": index, ...same } = APP;
    const renamed = { ...same, "src/Front.php": String(page).replace("Page", "Front").replace("shout(", "'changed: ' . shout("), "web/index.php": String(index).replace("Page", "Front") };
    const second = await bench.build(renamed, { last: LAST, cache: "php", config: { WORD: "two" }, keep: true, on: first.image });
    expect(second.output).toContain("composer.lock is unchanged: using the dependencies of the last build");
    expect(second.output).not.toContain("Mirroring from");
    expect(second.changed).not.toContain("/app/vendor/acme/shout/shout.php");
    expect(second.code).toBe(0);

    const dyno = await bench.start(second.image, "vendor/bin/heroku-php-apache2");
    expect((await dyno.get("/")).body).toBe("changed: HELLO");
    expect((await dyno.get("/compiled.txt")).body).toBe("two");
  });

  it("has the packages of require-dev when it is built for tests, which the script `test` of composer.json runs", async () => {
    const { packages: [greeting, shout], ...lock } = LOCK;
    const app = {
      ...APP,
      "composer.json": JSON.stringify({ ...MANIFEST, require: { "acme/greeting": "1.0.0" }, "require-dev": { "acme/shout": "1.0.0" }, scripts: { test: "@php test.php" } }),
      "composer.lock": JSON.stringify({ ...lock, packages: [greeting], "packages-dev": [shout] }),
      "test.php": "<?php require 'vendor/autoload.php'; echo App\\Page::text(); exit(App\\Page::text() === 'HELLO' ? 0 : 1);\n",
    };
    const [forTests, toServe] = await Promise.all([bench.build(app, { last: LAST, env: { PAAS_BUILD_FOR: "test" }, keep: true }), bench.build(app, { last: LAST })]);
    expect(forTests.out["testpack"]).toBe("/opt/paas/buildpacks/php");
    expect(await bench.runTests(forTests.image)).toEqual({ code: 0, output: expect.stringContaining("> @php test.php\nHELLO") as string });
    expect(toServe.output).not.toContain("acme/shout");
  });

  it("gets a package that is copied out of the repository anew when its files change", async () => {
    const { output, code } = await bench.build({ ...APP, "packages/greeting/src/Greeting.php": "<?php namespace Acme; class Greeting { const TEXT = 'other'; }\n" }, { last: LAST, cache: "php" });
    expect(output).toContain("Mirroring from packages/greeting");
    expect(code).toBe(0);
  });
});

describe("an app that cannot be built is told cause and fix", () => {
  it.concurrent.each<[string, Tree, string]>([
    ["without a lock file", { "composer.json": '{"require": {"acme/greeting": "1.0.0"}}' }, "composer.json requires packages, but there is no composer.lock."],
    ["with a composer.json that is no JSON", { "composer.json": '{"require": {},}' }, "Unable to parse composer.json."],
    ["whose lock file was not merged", { "composer.json": "{}", "composer.lock": "<<<<<<< HEAD\n{}" }, "composer.lock is the leftover of a merge."],
    ["whose document root is not there", { "composer.json": '{"extra": {"heroku": {"document-root": "nosuch"}}}' }, '"extra.heroku.document-root" in composer.json is "nosuch", but there is no such folder.'],
    ["for another PHP", { "composer.json": '{"require": {"php": "^8.9"}}' }, "composer.json asks for PHP ^8.9; this stack has PHP 8.2"],
    ["for an extension that the stack does not have", { "composer.json": '{"require": {"ext-oci8": "*"}}' }, "The app needs a PHP extension that this stack does not have: oci8."],
    ["whose script fails", { "composer.json": '{"scripts": {"post-autoload-dump": "@php -r \\"exit(3);\\""}}' }, 'The script `@php -r "exit(3);"` of composer.json (post-autoload-dump) failed with exit code 3'],
  ])("%s", async (_name, tree, reason) => {
    const built = await bench.build(tree, { last: LAST });
    expect(built.output).toContain(` !     ${reason}`);
    expect(built.code).toBe(1);
  });

  it.each(PHP_FAILURES)("$name", ({ said, reads }) => {
    expect(causeOf(CAUSES, said)).toEqual(reads);
  });
});
