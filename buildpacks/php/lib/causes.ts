/** What Composer, PHP and the scripts of composer.json say when they fail, and what it means. */

import type { Cause } from "../../lib/causes.ts";
import { minorOf } from "../../lib/version.ts";

const AGAIN = "commit and push again.";
const OUT_OF_REACH = ["A package server is out of reach.", "Check that this machine can reach it; or bring packages along: as folders or zip archives of this repository (`repositories` of type path or artifact). Then push again."];

export const CAUSES: Cause[] = [
  { said: /No space left on device/i, means: () => ["The disk is full.", "Make room on the server, then push again."] },
  { said: /Required (?:\(in require-dev\) )?package "([^"]+)" is (?:not present in the lock file|in the lock file as)/, means: ([, name]) => [`composer.lock does not match composer.json: ${name} is not in it as it is required.`, `Run \`composer update ${name}\`, commit composer.lock and push again.`] },
  {
    said: /Root composer\.json requires php (\S+(?: \S+)*?) but your php version \(([\d.]+)/,
    means: ([, asked, here = ""]) => [`composer.json asks for PHP ${asked}; this stack has PHP ${here}, and no other.`, `Write "php": "^${minorOf(here)}" into require, run \`composer update\` with that PHP (or with config.platform.php set to it), ${AGAIN}`],
  },
  {
    said: /(?:- )?(\S+) \S+ requires php (.+?) -> your php version \(([\d.]+)/,
    means: ([, name, asked, here]) => [`${name} asks for PHP ${asked}; this stack has PHP ${here}, and no other.`, `Set config.platform.php to "${here}" in composer.json and run \`composer update\`: it takes versions that run on it. Then ${AGAIN}`],
  },
  { said: /require a PHP version "([^"]+)"\. You are running (\d+\.\d+\.\d+)/, means: ([, asked, here]) => [`The packages of composer.lock ask for PHP ${asked}; this stack has PHP ${here}, and no other.`, `Set config.platform.php to "${here}" in composer.json, run \`composer update\`, ${AGAIN}`] },
  { said: /requires (?:PHP extension )?ext-([\w-]+) \S+(?: ->|) (?:but )?it (?:is missing from your system|has the wrong version)/, means: ([, name]) => missingExtension(name) },
  { said: /require the following PHP extensions to be installed: ([\w, -]+)/, means: ([, names]) => missingExtension(names) },
  { said: /requires (composer-(?:plugin|runtime)-api) (\S+) -> found/, means: ([, api, version]) => [`A package asks for ${api} ${version}, which this stack's Composer 2.5 does not have.`, `Choose a version of the package that runs with Composer 2.5, run \`composer update\`, ${AGAIN}`] },
  { said: /"\.\/composer\.(json|lock)" does not match the expected JSON schema:\s*\n\s*-? ?(.+)/, means: ([, kind, problem]) => [`composer.${kind} is not what Composer expects: ${problem?.trim()}.`, `\`composer validate\` shows the same on your machine. Correct it, ${AGAIN}`] },
  { said: /The `url` supplied for the path \(([^)]+)\) repository does not exist|Source path "([^"]+)" is not found for package/, means: (found) => [`The folder ${found[1] ?? found[2]}, which composer.json names as a repository, is not here.`, `Is it committed, and inside this repository? \`git add\` it, ${AGAIN}`] },
  { said: /The "(?!https?:)([^"]+)" file could not be downloaded: Failed to open stream/, means: ([, path]) => [`The archive ${path}, which composer.lock names, is not here.`, `Is it committed? \`git add\` it, ${AGAIN}`] },
  { said: /The checksum verification of the file failed/, means: () => ["A downloaded archive is not the one that composer.lock recorded.", `If it is the right one, run \`composer update <package>\`, commit composer.lock and push again.`] },
  { said: /API rate limit|Could not fetch https:\/\/api\.github\.com\S+, please (?:review|create)/i, means: () => ["GitHub answers no more downloads without a token.", `Make a token without any scope and set the config var COMPOSER_AUTH={"github-oauth":{"github.com":"<token>"}}, then push again.`] },
  { said: /Could not authenticate against ([\w.-]+)|HTTP Basic: Access denied|could not be downloaded \(HTTP\/\S+ 40[13]|Invalid credentials \(HTTP 40[13]\) for '?https?:\/\/([\w.-]+)|could not read Username for 'https?:\/\/([\w.-]+)/, means: (found) => [`${found[1] ?? found[2] ?? found[3] ?? "A package server"} refused access.`, `Set the config var COMPOSER_AUTH={"http-basic":{"<host>":{"username":"…","password":"…"}}} (or "github-oauth", "gitlab-token", "bearer"), then push again.`] },
  { said: /could not be downloaded \(HTTP\/\S+ 404|returned a 404|HTTP\/\S+ 404 Not Found/, means: () => ["An archive that composer.lock names is not there any more; which one stands above.", "Run `composer update <package>`, commit composer.lock and push again. Of a private package it may mean that COMPOSER_AUTH is missing."] },
  { said: /curl error (?:6|7|28|35|56|60) while downloading|Could not resolve host|Network disabled, request canceled|probably indicates you are offline/, means: () => OUT_OF_REACH },
  { said: /([\w.-]+\/[\w.-]+) contains a Composer plugin which is blocked by your allow-plugins config/, means: ([, name]) => [`${name} is a Composer plugin that composer.json does not allow.`, `Run \`composer config allow-plugins.${name} true\` (or \`false\`, if it is not needed), ${AGAIN}`] },
  { said: /([\w.-]+\/[\w.-]+) \S+ requires ([\w.-]+\/[\w.-]+) (\S+) -> found .* but (?:it does|these do|they do|it conflicts|these conflict)/, means: ([, one, other, version]) => [`${one} asks for ${other} ${version}, which composer.lock does not have.`, `Run \`composer update ${one} --with-dependencies\`, commit composer.lock and push again.`] },
  { said: /requires ([\w.-]+\/[\w.-]+)[^,\n]*, (?:it could not be found|found \S+ but it does not match)|Could not find (?:a matching version of )?package ([\w.-]+\/[\w.-]+)/, means: (found) => [`There is no package ${found[1] ?? found[2]} of that version.`, `Correct its name or version in composer.json, run \`composer update\`, ${AGAIN}`] },
  { said: /Your lock file does not contain a compatible set of packages/, means: () => ["The packages of composer.lock do not go together, or not with this PHP: the reasons stand above.", `Run \`composer update\`, ${AGAIN}`] },
  { said: /Could not scan for classes inside "?([^"\n]+?)"? which does not appear/, means: ([, path]) => [`composer.json has ${path?.replace(/^\/app\//, "")} autoloaded, which is not here.`, `Is it committed? Correct "autoload", ${AGAIN}`] },
  { said: /No application encryption key has been specified/, means: () => ["Laravel has no key.", "Set the config var APP_KEY to what `php artisan key:generate --show` prints, and push again."] },
  { said: /SQLSTATE\[(?:HY000\] \[2002\]|08006\])|Connection refused.*(?:mysql|pgsql|redis)/i, means: () => ["A script of composer.json asks a database, and none is in reach while the app is built.", `Leave it to the release phase (\`release:\` in the Procfile), ${AGAIN}`] },
  { said: /Allowed memory size of (\d+) bytes exhausted/, means: ([, bytes]) => [`PHP used up the ${Math.round(Number(bytes) / 2 ** 20)} MB that its memory_limit allows.`, "Raise it where the script is called: `php -d memory_limit=512M …`."] },
  { said: /Call to undefined function (?:\w+\\)*(\w+)\(\)/, means: ([, name]) => [`There is no function ${name}.`, `Is it of an extension: require it ("ext-…") in composer.json, and the build says whether this stack has it. Is it the app's own: is its file committed and autoloaded? Then ${AGAIN}`] },
  { said: /(?:Class|Interface|Trait) ["']?([\w\\]+)["']? not found/, means: ([, name]) => [`There is no class ${name}.`, `Is it of a package in require-dev, which is not installed here: move it to require, or do without it in production. Is it the app's own: is its file committed, and its name spelt in the same case? Then ${AGAIN}`] },
  { said: /PHP Parse error: +(.+) in (?:\/app\/)?(\S+) on line (\d+)/, means: ([, problem, file, line]) => [`${file}, line ${line}, cannot be read by this stack's PHP 8.2: ${problem}.`, `Is it written for a newer PHP? Else correct its syntax; ${AGAIN}`] },
  { said: /(?:require|include)(?:_once)?\(([^)]+)\): Failed to open stream: No such file/, means: ([, path]) => [`The file ${path?.replace(/^\/app\//, "")} is not here.`, `Is it committed, and its name spelt in the same case? Then ${AGAIN}`] },
  { said: /Script (.+?) handling the ([\w-]+) event returned with error code (\d+)/, means: ([, script, event, code]) => [`The script \`${script}\` of composer.json (${event}) failed with exit code ${code}: see its words above.`, `It runs without the packages of require-dev. Correct it, ${AGAIN}`] },
];

function missingExtension(name: string | undefined): string[] {
  return [`The app needs a PHP extension that this stack does not have: ${name?.trim()}.`, `\`php -m\` in a one-off dyno lists those that are here. Do without it, or without the package that wants it, ${AGAIN}`];
}
