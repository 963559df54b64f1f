/** What pip, uv, Poetry, Pipenv, compilers and Django say when they fail, and what it means. */

import type { Cause } from "../../lib/causes.ts";

const AGAIN = "commit and push again.";

/** What a missing header or program belongs to, for those that people meet. */
const LIBRARIES: [said: RegExp, advice: string][] = [
  [/mysql|mariadb|valid pkg-config name/i, "mysqlclient needs MySQL's library: PyMySQL does without it."],
  [/pg_config|libpq/, "psycopg2-binary, or psycopg[binary], bring their library along."],
  [/ldap\.h|lber\.h/, "python-ldap needs OpenLDAP's library: ldap3 does without it."],
];

export const CAUSES: Cause[] = [
  // Before what follows from it: a package that cannot be asked for is reported as one that does not exist.
  {
    said: /NewConnectionError|ConnectTimeoutError|Temporary failure in name resolution|Name or service not known|Connection refused|error sending request for url|dns error|All attempts to connect/,
    means: () => ["The package index is out of reach.", "Check that this machine can reach it (PIP_INDEX_URL names another one), then push again."],
  },
  {
    said: /Source \(([^)]+)\): Authorization error/,
    means: ([, source = ""]) => {
      // Poetry writes a hyphen as an underscore, and leaves all else as it is.
      const name = `POETRY_HTTP_BASIC_${source.toUpperCase().replaceAll("-", "_")}`;
      if (/^\w+$/.test(name)) return [`The package index ${source} refused access.`, `Set user and password as the config vars ${name}_USERNAME and ${name}_PASSWORD.`];
      return [`The package index ${source} refused access, and no config var can be named after it.`, "Call it by letters, digits and hyphens alone in pyproject.toml, run `poetry lock`, and set POETRY_HTTP_BASIC_<NAME>_USERNAME and POETRY_HTTP_BASIC_<NAME>_PASSWORD."];
    },
  },
  {
    // uv, of a file that uv.lock names, and of an index.
    said: /HTTP status client error \(40[13]|lack of valid authentication credentials|An index \([^)]*\) returned a 403/,
    means: () => [
      "The package index refused access.",
      "Set user and password as the config vars UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD: NAME is the index's in pyproject.toml, in capitals, with _ in place of what is no letter or digit.",
      "An index that pyproject.toml does not name takes them in the URL of the config var UV_DEFAULT_INDEX or UV_INDEX.",
    ],
  },
  { said: /40[13] Client Error|HTTP error 40[13]|401 Unauthorized|403 Forbidden|User for .*:\s*$/m, means: () => ["The package index refused access.", "Put user and token into the index's URL, as the config var PIP_EXTRA_INDEX_URL or PIP_INDEX_URL."] },
  {
    said: /requires a different Python: (\S+) not in '([^']+)'|incompatible with the project's Python requirement: `([^`]+)`|Current Python version \(([\d.]+)\) is not allowed by the project \(([^)]+)\)|No interpreter found for Python ([^\s]+)/,
    means: (found) => [`The app, or one of its packages, asks for Python ${found[2] ?? found[3] ?? found[5] ?? found[6]}; this stack's is 3.11.`, `Widen requires-python in pyproject.toml, or choose a version of the package that runs on 3.11; ${AGAIN}`],
  },
  {
    // Pipenv's own words stand at the end.
    said: /Looking in indexes: [\s\S]*No matching distribution found for ([^\s()=<>~!;[]+)[\s\S]*Couldn't install package/,
    means: ([, name]) => [`The package index that is set has no package ${name} for this Python, or does not show it: Pipenv does not tell these apart.`, "Check its spelling, and user and token in the index's URL in Pipfile: config vars stand for them there, as in https://${INDEX_USER}:${INDEX_TOKEN}@index.example/simple."],
  },
  {
    said: /Looking in indexes: [\s\S]*from versions: none\)\s+ERROR: No matching distribution found for ([^\s()=<>~!;[]+)/,
    means: ([, name]) => [`The package index that is set has no package ${name} for this Python, or does not show it: pip does not tell these apart.`, "Check its spelling, and the address, user and token in the config vars PIP_INDEX_URL and PIP_EXTRA_INDEX_URL."],
  },
  {
    said: /No matching distribution found for ([^\s()]+)/,
    means: ([, asked = ""]) => {
      const name = asked.split(/[=<>~!;[]/)[0] ?? "";
      if (name === asked) return [`The package index has no package ${name} for this Python.`, "Check its spelling, which is not always the name that is imported; if it is private, set PIP_EXTRA_INDEX_URL to its index."];
      return [`No version of ${name} fits "${asked}".`, `Those that exist for this Python stand above (none: check the spelling). Correct it in the file that names it, ${AGAIN}`];
    },
  },
  { said: /ResolutionImpossible|conflicting dependencies|version solving failed|No solution found when resolving/, means: () => ["Packages ask for versions of another one that exclude each other: they are named above.", `Loosen or change one of the versions, ${AGAIN}`] },
  {
    said: /Invalid requirement: '([^'\n]*)'(?: \(from line (\d+) of ([^)\n]+)\))?/,
    means: ([, text, line, file]) => [`${file ?? "requirements.txt"}${line ? `, line ${line},` : ""} is not a requirement: ${text}`, `Write it as name==version, ${AGAIN}`],
  },
  { said: /Could not open requirements file:.*?'([^']+)'/, means: ([, file]) => [`The file ${file}, which a requirements file refers to, is not here.`, `Is it committed? \`git add ${file}\`, ${AGAIN}`] },
  { said: /DO NOT MATCH THE HASHES|Hash mismatch|hash mismatch|Hash for .* from archive|did not match any known checksums/, means: () => ["A downloaded package is not the one that was recorded.", `If the index's copy is the right one, write the hashes anew, ${AGAIN}`] },
  { said: /Hashes are required in --require-hashes mode|In --require-hashes mode, all requirements must have their versions pinned/, means: () => ["Some packages have hashes in requirements.txt and others have none: pip takes all or none.", `Let one tool write all of them (\`pip-compile --generate-hashes\`), ${AGAIN}`] },
  { said: /lockfile at `uv\.lock` needs to be updated|uv\.lock.*(?:outdated|out of date)/, means: () => ["uv.lock does not match pyproject.toml.", `Run \`uv lock\`, look at what changed in uv.lock, ${AGAIN}`] },
  { said: /pyproject\.toml changed significantly since poetry\.lock|poetry\.lock is not up to date/, means: () => ["poetry.lock does not match pyproject.toml.", `Run \`poetry lock\`, look at what changed in poetry.lock, ${AGAIN}`] },
  { said: /current project could not be installed: No file\/folder found for package (\S+)/, means: ([, name]) => [`Poetry takes this app for a package, and finds no folder ${name} to install.`, `Write package-mode = false under [tool.poetry] in pyproject.toml, run \`poetry lock\`, ${AGAIN}`] },
  { said: /Pipfile\.lock \(\S+\) (?:is )?out of date|Your Pipfile\.lock.*out of date/, means: () => ["Pipfile.lock does not match Pipfile.", `Run \`pipenv lock\`, ${AGAIN}`] },
  { said: /TOML parse error|TOMLDecodeError|Invalid TOML|not valid TOML/i, means: () => ["A TOML file cannot be read: pyproject.toml, a lock file or Pipfile; the place stands above.", `Fix its syntax, ${AGAIN}`] },
  { said: /Multiple top-level (?:packages|modules) discovered/, means: () => ["setuptools cannot tell which folders of this app are the package.", `An app need not be one: remove [build-system] from pyproject.toml, or name the packages ([tool.setuptools] packages = […]); ${AGAIN}`] },
  { said: /is not a supported wheel on this platform/, means: () => ["A wheel in this repository is made for another Python or another machine.", `Get it anew for this one: \`pip download --python-version 3.11 --platform manylinux2014_x86_64 --only-binary=:all: …\`, ${AGAIN}`] },
  { said: /git clone[^\n]* did not run successfully|could not read Username for|Repository not found/, means: () => ["A package comes from a git repository that cannot be cloned from here.", "If it is private, put a token into its URL by a config var: git+https://${TOKEN}@host/owner/name."] },
  { said: /can't find Rust compiler|Rust toolchain|cargo.*not (?:found|installed)/i, means: () => ["A package has no wheel for this Python and would be compiled from Rust, which is not here.", `Choose a version of it that has wheels for Python 3.11, ${AGAIN}`] },
  {
    said: /(pg_config executable not found|mysql_config[^\n]*not found|Can not find valid pkg-config name|fatal error: ([\w./-]+\.h): No such file)/,
    means: ([, said = "", header]) => [header ? `A package has no wheel for this Python and compiling it failed: ${header} is missing.` : "A package has no wheel for this Python, and a library to compile it with is missing.", LIBRARIES.find(([pattern]) => pattern.test(said))?.[1] ?? `Choose a version of it that has wheels for Python 3.11, ${AGAIN}`],
  },
  { said: /error: command '[^']*(?:gcc|cc|g\+\+)' failed|Failed building wheel for (\S+)|subprocess-exited-with-error/, means: ([, name]) => [`${name ? `${name} has` : "A package has"} no wheel for this Python, and building it failed: the reason stands above.`, `Choose a version of it that has wheels for Python 3.11, ${AGAIN}`] },
  { said: /No space left on device/i, means: () => ["The disk is full.", "Make room on the server, then push again."] },
  { said: /MemoryError/, means: () => ["The build ran out of memory.", "Let it do less at a time, or give builds more memory."] },
  { said: /without having set the STATIC_ROOT setting/, means: () => ["STATIC_ROOT is not set.", `Add to the settings: STATIC_ROOT = BASE_DIR / "staticfiles", ${AGAIN}`] },
  { said: /SECRET_KEY setting must not be empty/, means: () => ["Django's SECRET_KEY is empty while the app is built.", "Set it as a config var, and read it in the settings."] },
  { said: /KeyError: '([A-Z][A-Z0-9_]*)'|UndefinedValueError: ([A-Z][A-Z0-9_]*) not found|Set the ([A-Z][A-Z0-9_]*) environment variable/, means: (found) => [`The app wants the config var ${found[1] ?? found[2] ?? found[3]}, which is not set.`, `Set it, and push again.`] },
  { said: /The file '([^']+)' could not be found with|Missing staticfiles manifest entry for '([^']+)'/, means: (found) => [`A stylesheet refers to ${found[1] ?? found[2]}, which is not among the static files.`, `Add the file or correct the reference, ${AGAIN}`] },
  { said: /(?:ModuleNotFoundError|ImportError): No module named '([^']+)'/, means: ([, name = ""]) => [`No module named ${name}.`, `Is it a package: add it to the app's packages. Is it the app's own: is it committed, and its name spelt in the same case? Then ${AGAIN}`] },
  { said: /SyntaxError: (.+)/, means: ([, what]) => [`Python cannot read a file of the app: ${what}; the place stands above.`, "Does it use what came after Python 3.11?"] },
];
