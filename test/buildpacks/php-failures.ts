/** What Composer 2.5, PHP 8.2 and scripts of composer.json printed for broken apps, and what their pushers read. */

import type { Failure } from "./go-failures.ts";

const AGAIN = "commit and push again.";

export const PHP_FAILURES: Failure[] = [
  {
    name: "an app for a newer PHP",
    said: "  Problem 1\n    - Root composer.json requires php ^8.3 || ^8.4 but your php version (8.2.36) does not satisfy that requirement.",
    reads: ["composer.json asks for PHP ^8.3 || ^8.4; this stack has PHP 8.2.36, and no other.", `Write "php": "^8.2" into require, run \`composer update\` with that PHP (or with config.platform.php set to it), ${AGAIN}`],
  },
  {
    name: "a package for a newer PHP",
    said: "    - acme/greeting is locked to version 1.0.0 and an update of this package was not requested.\n    - acme/greeting 1.0.0 requires php >=8.3 -> your php version (8.2.36) does not satisfy that requirement.",
    reads: ["acme/greeting asks for PHP >=8.3; this stack has PHP 8.2.36, and no other.", `Set config.platform.php to "8.2.36" in composer.json and run \`composer update\`: it takes versions that run on it. Then ${AGAIN}`],
  },
  {
    name: "a lock file that was made for another PHP by config.platform",
    said: 'Composer detected issues in your platform:\n\nYour Composer dependencies require a PHP version ">= 8.4.0". You are running 8.2.36.',
    reads: ["The packages of composer.lock ask for PHP >= 8.4.0; this stack has PHP 8.2.36, and no other.", `Set config.platform.php to "8.2.36" in composer.json, run \`composer update\`, ${AGAIN}`],
  },
  {
    name: "an extension that the app requires",
    said: "    - Root composer.json requires PHP extension ext-oci8 * but it is missing from your system. Install or enable PHP's oci8 extension.",
    reads: ["The app needs a PHP extension that this stack does not have: oci8.", `\`php -m\` in a one-off dyno lists those that are here. Do without it, or without the package that wants it, ${AGAIN}`],
  },
  {
    name: "an extension that a package requires",
    said: "    - acme/greeting 1.0.0 requires ext-oci8 * -> it is missing from your system. Install or enable PHP's oci8 extension.",
    reads: ["The app needs a PHP extension that this stack does not have: oci8.", `\`php -m\` in a one-off dyno lists those that are here. Do without it, or without the package that wants it, ${AGAIN}`],
  },
  {
    name: "a package that composer.lock lacks",
    said: '- Required package "acme/other" is not present in the lock file.\nThis usually happens when composer files are incorrectly merged or the composer.json file is manually edited.',
    reads: ["composer.lock does not match composer.json: acme/other is not in it as it is required.", "Run `composer update acme/other`, commit composer.lock and push again."],
  },
  {
    name: "a version that composer.lock does not have",
    said: '- Required package "acme/shout" is in the lock file as "1.0.0" but that does not satisfy your constraint "^2.0".',
    reads: ["composer.lock does not match composer.json: acme/shout is not in it as it is required.", "Run `composer update acme/shout`, commit composer.lock and push again."],
  },
  {
    name: "packages of a lock file that do not go together",
    said: "    - acme/greeting 1.0.0 requires acme/shout ^3.0 -> found acme/shout[1.0.0] but it does not match the constraint.",
    reads: ["acme/greeting asks for acme/shout ^3.0, which composer.lock does not have.", "Run `composer update acme/greeting --with-dependencies`, commit composer.lock and push again."],
  },
  {
    name: "a package for a newer Composer",
    said: "    - acme/greeting 1.0.0 requires composer-runtime-api ^2.9 -> found composer-runtime-api[2.2.2] but it does not match the constraint.",
    reads: ["A package asks for composer-runtime-api ^2.9, which this stack's Composer 2.5 does not have.", `Choose a version of the package that runs with Composer 2.5, run \`composer update\`, ${AGAIN}`],
  },
  {
    name: "a field that is not what it should be",
    said: 'In Factory.php line 320:\n                          \n  "./composer.json" does not match the expected JSON schema:     \n   - require-dev : Array value found, but an object is required  \n',
    reads: ["composer.json is not what Composer expects: require-dev : Array value found, but an object is required.", `\`composer validate\` shows the same on your machine. Correct it, ${AGAIN}`],
  },
  {
    name: "a path repository that was not committed",
    said: 'In PathDownloader.php line 48:\n\n  Source path "packages/greeting" is not found for package acme/greeting  \n',
    reads: ["The folder packages/greeting, which composer.json names as a repository, is not here.", `Is it committed, and inside this repository? \`git add\` it, ${AGAIN}`],
  },
  {
    name: "an artifact that was not committed",
    said: 'In RemoteFilesystem.php line 476:\n\n  The "artifacts/acme-shout-1.0.0.zip" file could not be downloaded: Failed to open stream: No such file or directory  \n',
    reads: ["The archive artifacts/acme-shout-1.0.0.zip, which composer.lock names, is not here.", `Is it committed? \`git add\` it, ${AGAIN}`],
  },
  {
    name: "an archive that is not the one that was recorded",
    said: "  The checksum verification of the file failed (downloaded from artifacts/acme-shout-1.0.0.zip)  ",
    reads: ["A downloaded archive is not the one that composer.lock recorded.", "If it is the right one, run `composer update <package>`, commit composer.lock and push again."],
  },
  {
    name: "a package server out of reach",
    said: "The following exception probably indicates you are offline or have misconfigured DNS resolver(s)\n\n  curl error 6 while downloading https://dist.example/x.zip: Could not resolve host: dist.example",
    reads: ["A package server is out of reach.", "Check that this machine can reach it; or bring packages along: as folders or zip archives of this repository (`repositories` of type path or artifact). Then push again."],
  },
  {
    name: "a private package without a token",
    said: "  Could not authenticate against packages.example",
    reads: ["packages.example refused access.", 'Set the config var COMPOSER_AUTH={"http-basic":{"<host>":{"username":"…","password":"…"}}} (or "github-oauth", "gitlab-token", "bearer"), then push again.'],
  },
  {
    name: "a plugin that is not allowed",
    said: "  acme/installer contains a Composer plugin which is blocked by your allow-plugins config. You may add it to the list if you consider it safe.",
    reads: ["acme/installer is a Composer plugin that composer.json does not allow.", `Run \`composer config allow-plugins.acme/installer true\` (or \`false\`, if it is not needed), ${AGAIN}`],
  },
  {
    name: "a folder of classes that was not committed",
    said: '  Could not scan for classes inside "nosuch/" which does not appear to be a file nor a folder  ',
    reads: ["composer.json has nosuch/ autoloaded, which is not here.", `Is it committed? Correct "autoload", ${AGAIN}`],
  },
  {
    name: "a class of a package in require-dev",
    said: 'PHP Fatal error:  Uncaught Error: Class "Barryvdh\\Debugbar\\ServiceProvider" not found in /app/x.php:1\nScript @php artisan package:discover handling the post-autoload-dump event returned with error code 255',
    reads: ["There is no class Barryvdh\\Debugbar\\ServiceProvider.", `Is it of a package in require-dev, which is not installed here: move it to require, or do without it in production. Is it the app's own: is its file committed, and its name spelt in the same case? Then ${AGAIN}`],
  },
  {
    name: "a function of an extension",
    said: "PHP Fatal error:  Uncaught Error: Call to undefined function oci_connect() in /app/x.php:1",
    reads: ["There is no function oci_connect.", `Is it of an extension: require it ("ext-…") in composer.json, and the build says whether this stack has it. Is it the app's own: is its file committed and autoloaded? Then ${AGAIN}`],
  },
  {
    name: "code that PHP cannot read",
    said: 'PHP Parse error:  syntax error, unexpected end of file, expecting "(" in /app/src/x.php on line 2',
    reads: ['src/x.php, line 2, cannot be read by this stack\'s PHP 8.2: syntax error, unexpected end of file, expecting "(".', `Is it written for a newer PHP? Else correct its syntax; ${AGAIN}`],
  },
  {
    name: "a file that is not there",
    said: "PHP Warning:  require(/app/config/app.php): Failed to open stream: No such file or directory in /app/x.php on line 1",
    reads: ["The file config/app.php is not here.", `Is it committed, and its name spelt in the same case? Then ${AGAIN}`],
  },
  {
    name: "a script that asks a database",
    said: "PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in /app/x.php:1",
    reads: ["A script of composer.json asks a database, and none is in reach while the app is built.", `Leave it to the release phase (\`release:\` in the Procfile), ${AGAIN}`],
  },
  {
    name: "a script that needs more memory",
    said: "PHP Fatal error:  Allowed memory size of 20971520 bytes exhausted (tried to allocate 30003200 bytes) in /app/x.php on line 1",
    reads: ["PHP used up the 20 MB that its memory_limit allows.", "Raise it where the script is called: `php -d memory_limit=512M …`."],
  },
  {
    name: "a script that fails",
    said: '> @php -r "exit(3);"\nScript @php -r "exit(3);" handling the post-autoload-dump event returned with error code 3',
    reads: ['The script `@php -r "exit(3);"` of composer.json (post-autoload-dump) failed with exit code 3: see its words above.', `It runs without the packages of require-dev. Correct it, ${AGAIN}`],
  },
];
