import type { LanguageApp } from "./app.ts";

/** In the place of PHPUnit, which no package server brings here: a program of that name, of a package of that name. */
const TEST_RUNNER = '<?php require "text.php"; echo "PHPUnit ran in ", basename(getcwd()), "\\n"; exit(text() === "" ? 1 : 0);\n';
const VERSION = "9.6.0";

/** Its app.json says that it has tests, and not how they are run: the buildpack's bin/test finds the program among the packages of require-dev. */
const tested = (): Record<string, string> => ({
  "composer.json": JSON.stringify({ name: "example/tested", repositories: [{ type: "path", url: "packages/*", options: { symlink: false } }, { packagist: false }], "require-dev": { "phpunit/phpunit": VERSION } }),
  "composer.lock": JSON.stringify({
    packages: [],
    "packages-dev": [{ name: "phpunit/phpunit", version: VERSION, dist: { type: "path", url: "packages/phpunit", reference: "0" }, type: "library", bin: ["phpunit"], "transport-options": { symlink: false, relative: true } }],
    "minimum-stability": "stable", "plugin-api-version": "2.3.0",
  }),
  "packages/phpunit/composer.json": JSON.stringify({ name: "phpunit/phpunit", version: VERSION, bin: ["phpunit"] }),
  "packages/phpunit/phpunit": `#!/usr/bin/env php\n${TEST_RUNNER}`,
  "app.json": '{"environments": {"test": {}}}',
  "text.php": "<?php function text(): string { return 'tested one'; }\n",
  "index.php": "<?php require 'text.php'; echo text();\n",
});

const PACKAGE = { name: "acme/shout", version: "1.0.0", dist: { type: "zip", url: "https://packages.invalid/shout.zip" }, type: "library", autoload: { files: ["shout.php"] } };

/** Its package lies in vendor, as Composer has left it there, and nowhere else. */
const withVendor = (): Record<string, string> => ({
  "composer.json": JSON.stringify({ name: "example/vendored", repositories: [{ packagist: false }], require: { "acme/shout": "1.0.0" } }),
  "composer.lock": JSON.stringify({ packages: [PACKAGE], "packages-dev": [], "minimum-stability": "stable", "plugin-api-version": "2.3.0" }),
  "vendor/composer/installed.json": JSON.stringify({ packages: [{ ...PACKAGE, version_normalized: "1.0.0.0", "installation-source": "dist", "install-path": "../acme/shout" }], dev: false, "dev-package-names": [] }),
  "vendor/acme/shout/shout.php": "<?php function shout(string $text): string { return strtoupper($text); }\n",
  "index.php": "<?php require 'vendor/autoload.php'; echo shout(trim(file_get_contents('text')));\n",
  "text": "vendored one\n",
});

export const php: LanguageApp[] = [
  { name: "php-front-controller", source: "php", detected: "PHP app detected", path: "/hello/you", answers: [/^HELLO FROM A PACKAGE, you: one$/m, /^HELLO FROM A PACKAGE, you: two$/m], change: { text: "two\n" } },
  { name: "php-phpunit", source: tested, detected: "PHP app detected", tested: /PHPUnit ran in app/, answers: [/^tested one$/, /^tested two$/], change: { "text.php": "<?php function text(): string { return 'tested two'; }\n" } },
  { name: "php-committed-vendor", source: withVendor, detected: "The folder vendor is in this repository", answers: [/^VENDORED ONE$/, /^VENDORED TWO$/], change: { text: "vendored two\n" } },
];
