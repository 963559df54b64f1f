/** What pip, uv, Poetry, Pipenv, compilers and Django printed for broken apps, and what their pushers read. */

import type { Failure } from "./go-failures.ts";

const AGAIN = "commit and push again.";

export const PYTHON_FAILURES: Failure[] = [
  {
    name: "a package that does not exist",
    said: "ERROR: Could not find a version that satisfies the requirement nosuch-package (from versions: none)\nERROR: No matching distribution found for nosuch-package",
    reads: ["The package index has no package nosuch-package for this Python.", "Check its spelling, which is not always the name that is imported; if it is private, set PIP_EXTRA_INDEX_URL to its index."],
  },
  {
    name: "a version that does not exist",
    said: "ERROR: Could not find a version that satisfies the requirement django==99 (from versions: 5.1, 5.2)\nERROR: No matching distribution found for django==99",
    reads: ['No version of django fits "django==99".', `Those that exist for this Python stand above (none: check the spelling). Correct it in the file that names it, ${AGAIN}`],
  },
  {
    name: "an index out of reach, which pip reports as a package that does not exist",
    said: "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError(...)'\nERROR: No matching distribution found for django",
    reads: ["The package index is out of reach.", "Check that this machine can reach it (PIP_INDEX_URL names another one), then push again."],
  },
  {
    name: "an index that wants a password",
    said: "ERROR: HTTP error 401 while getting https://index.example/simple/private/",
    reads: ["The package index refused access.", "Put user and token into the index's URL, as the config var PIP_EXTRA_INDEX_URL or PIP_INDEX_URL."],
  },
  {
    name: "an app for a newer Python",
    said: "ERROR: Package 'app' requires a different Python: 3.11.2 not in '>=3.13'",
    reads: ["The app, or one of its packages, asks for Python >=3.13; this stack's is 3.11.", `Widen requires-python in pyproject.toml, or choose a version of the package that runs on 3.11; ${AGAIN}`],
  },
  {
    name: "packages that exclude each other",
    said: "ERROR: Cannot install a and b because these package versions have conflicting dependencies.\nERROR: ResolutionImpossible: for help visit https://pip.example",
    reads: ["Packages ask for versions of another one that exclude each other: they are named above.", `Loosen or change one of the versions, ${AGAIN}`],
  },
  {
    name: "a file that requirements.txt refers to and that is missing",
    said: "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements/base.txt'",
    reads: ["The file requirements/base.txt, which a requirements file refers to, is not here.", `Is it committed? \`git add requirements/base.txt\`, ${AGAIN}`],
  },
  {
    name: "hashes that do not match",
    said: "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.",
    reads: ["A downloaded package is not the one that was recorded.", `If the index's copy is the right one, write the hashes anew, ${AGAIN}`],
  },
  {
    name: "a uv.lock that is out of date",
    said: "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.",
    reads: ["uv.lock does not match pyproject.toml.", `Run \`uv lock\`, look at what changed in uv.lock, ${AGAIN}`],
  },
  {
    name: "a poetry.lock that is out of date",
    said: "pyproject.toml changed significantly since poetry.lock was last generated. Run `poetry lock` to fix the lock file.",
    reads: ["poetry.lock does not match pyproject.toml.", `Run \`poetry lock\`, look at what changed in poetry.lock, ${AGAIN}`],
  },
  {
    name: "psycopg2 without its headers",
    said: "Error: pg_config executable not found.\nerror: subprocess-exited-with-error",
    reads: ["A package has no wheel for this Python, and a library to compile it with is missing.", "psycopg2-binary, or psycopg[binary], bring their library along."],
  },
  {
    name: "a package that would be compiled from Rust",
    said: "error: can't find Rust compiler\nERROR: Failed building wheel for cryptography",
    reads: ["A package has no wheel for this Python and would be compiled from Rust, which is not here.", `Choose a version of it that has wheels for Python 3.11, ${AGAIN}`],
  },
  {
    name: "Django without STATIC_ROOT",
    said: "django.core.exceptions.ImproperlyConfigured: You're using the staticfiles app without having set the STATIC_ROOT setting to a filesystem path.",
    reads: ["STATIC_ROOT is not set.", `Add to the settings: STATIC_ROOT = BASE_DIR / "staticfiles", ${AGAIN}`],
  },
  {
    name: "a config var that settings need while the app is built",
    said: "  File \"/app/site/settings.py\", line 3\nKeyError: 'DATABASE_URL'",
    reads: ["The app wants the config var DATABASE_URL, which is not set.", "Set it, and push again."],
  },
  {
    name: "a module that is missing",
    said: "ModuleNotFoundError: No module named 'Shop'",
    reads: ["No module named Shop.", "Is it a package: add it to the app's packages. Is it the app's own: is it committed, and its name spelt in the same case? Then commit and push again."],
  },
  {
    name: "an index of one's own that shows nothing, for whatever reason",
    said: "Looking in indexes: https://user:****@index.example/simple\nERROR: Could not find a version that satisfies the requirement flask==3.1 (from versions: none)\nERROR: No matching distribution found for flask==3.1",
    reads: ["The package index that is set has no package flask for this Python, or does not show it: pip does not tell these apart.", "Check its spelling, and the address, user and token in the config vars PIP_INDEX_URL and PIP_EXTRA_INDEX_URL."],
  },
  {
    name: "an index that wants a password of Poetry",
    said: "  - Installing click (8.1.7)\nSource (simple): Authorization error accessing https://index.example/simple/click/\n\n    | Unable to find installation candidates for click (8.1.7)",
    reads: ["The package index simple refused access.", "Set user and password as the config vars POETRY_HTTP_BASIC_SIMPLE_USERNAME and POETRY_HTTP_BASIC_SIMPLE_PASSWORD."],
  },
  {
    name: "an index whose name is written otherwise in Poetry's config vars",
    said: "Source (my-corp): Authorization error accessing https://index.example/simple/iniconfig/\n\nBecause a depends on iniconfig (2.0.0) which doesn't match any versions, version solving failed.",
    reads: ["The package index my-corp refused access.", "Set user and password as the config vars POETRY_HTTP_BASIC_MY_CORP_USERNAME and POETRY_HTTP_BASIC_MY_CORP_PASSWORD."],
  },
  {
    name: "an index whose name no config var of Poetry's can have",
    said: "Source (my-corp.idx): Authorization error accessing https://index.example/simple/iniconfig/",
    reads: ["The package index my-corp.idx refused access, and no config var can be named after it.", "Call it by letters, digits and hyphens alone in pyproject.toml, run `poetry lock`, and set POETRY_HTTP_BASIC_<NAME>_USERNAME and POETRY_HTTP_BASIC_<NAME>_PASSWORD."],
  },
  ...[
    ["a file of uv.lock that wants a password", "error: Failed to download `iniconfig==2.0.0`\n  cause: Failed to fetch: https://index.example/files/iniconfig-2.0.0-py3-none-any.whl\n  cause: HTTP status client error (401 Unauthorized) for url (https://index.example/files/iniconfig-2.0.0-py3-none-any.whl)"],
    ["an index that wants a password of uv", "error: No solution found when resolving dependencies\n  cause: Because iniconfig was not found in the package registry and your project depends on iniconfig==2.0.0, we can conclude that your project's requirements are unsatisfiable.\n\nhint: An index URL (https://index.example/simple/) could not be queried due to a lack of valid authentication credentials (401 Unauthorized)"],
    ["an index that does not take uv's password", "error: No solution found when resolving dependencies\n\nhint: An index (https://index.example/simple/) returned a 403 Forbidden error. Check that the index URL is correct and the credentials are valid."],
  ].map(([name = "", said = ""]) => ({
    name, said,
    reads: [
      "The package index refused access.",
      "Set user and password as the config vars UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD: NAME is the index's in pyproject.toml, in capitals, with _ in place of what is no letter or digit.",
      "An index that pyproject.toml does not name takes them in the URL of the config var UV_DEFAULT_INDEX or UV_INDEX.",
    ],
  })),
  {
    name: "an index that shows nothing to Pipenv, for whatever reason",
    said: "Looking in indexes: https://index.example/simple/\nERROR: Could not find a version that satisfies the requirement iniconfig==2.0.0 \n(from versions: none)\nERROR: No matching distribution found for iniconfig==2.0.0\nERROR: Couldn't install package(s): iniconfig==2.0.0 \n--hash=sha256:b6a85871\nPackage installation failed...",
    reads: ["The package index that is set has no package iniconfig for this Python, or does not show it: Pipenv does not tell these apart.", "Check its spelling, and user and token in the index's URL in Pipfile: config vars stand for them there, as in https://${INDEX_USER}:${INDEX_TOKEN}@index.example/simple."],
  },
  {
    name: "a line that is no requirement",
    said: "ERROR: Invalid requirement: 'flask = 3.1' (from line 2 of requirements.txt)\nHint: = is not a valid operator. Did you mean == ?",
    reads: ["requirements.txt, line 2, is not a requirement: flask = 3.1", `Write it as name==version, ${AGAIN}`],
  },
  {
    name: "hashes for some packages only",
    said: "ERROR: Hashes are required in --require-hashes mode, but they are missing from some requirements. Here is a list of those requirements along with the hashes their downloaded archives actually had.\n    itsdangerous==2.2.0 --hash=sha256:c6242fc4",
    reads: ["Some packages have hashes in requirements.txt and others have none: pip takes all or none.", `Let one tool write all of them (\`pip-compile --generate-hashes\`), ${AGAIN}`],
  },
  {
    name: "hashes of poetry.lock that do not match",
    said: "  - Installing click (8.1.7)\n\n    | Downloaded distributions for click (8.1.7) did not match any known checksums in your lock file.",
    reads: ["A downloaded package is not the one that was recorded.", `If the index's copy is the right one, write the hashes anew, ${AGAIN}`],
  },
  {
    name: "a Poetry project that is no package",
    said: "Installing the current project: app (1)\n\nError: The current project could not be installed: No file/folder found for package app\nIf you do not want to install the current project use --no-root.",
    reads: ["Poetry takes this app for a package, and finds no folder app to install.", `Write package-mode = false under [tool.poetry] in pyproject.toml, run \`poetry lock\`, ${AGAIN}`],
  },
  {
    name: "mysqlclient without its headers",
    said: "      Command 'pkg-config --exists mariadb' returned non-zero exit status 1.\n      Exception: Can not find valid pkg-config name.\n      Specify MYSQLCLIENT_CFLAGS and MYSQLCLIENT_LDFLAGS env vars manually\nerror: subprocess-exited-with-error",
    reads: ["A package has no wheel for this Python, and a library to compile it with is missing.", "mysqlclient needs MySQL's library: PyMySQL does without it."],
  },
  {
    name: "a git repository that cannot be cloned",
    said: "  error: subprocess-exited-with-error\n  \n  × git clone --filter=blob:none --quiet https://git.example/a/b.git /tmp/pip-req-build-bjk678wm did not run successfully.\n  │ exit code: 128",
    reads: ["A package comes from a git repository that cannot be cloned from here.", "If it is private, put a token into its URL by a config var: git+https://${TOKEN}@host/owner/name."],
  },
];
