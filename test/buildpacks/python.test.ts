import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import type { Build } from "../../buildpacks/python/lib/build.ts";
import { CAUSES } from "../../buildpacks/python/lib/causes.ts";
import { choosePackageManager } from "../../buildpacks/python/lib/package-manager.ts";
import { checkVersion } from "../../buildpacks/python/lib/python-version.ts";
import { readRequirements, requirementsFiles } from "../../buildpacks/python/lib/requirements.ts";
import { toolRequirement } from "../../buildpacks/python/lib/tools.ts";
import { noteWebProcess } from "../../buildpacks/python/lib/web-process.ts";
import { wheelFolders, withWheels } from "../../buildpacks/python/lib/wheels.ts";
import { PYTHON_FAILURES } from "./python-failures.ts";

let buildDir: string;
let printed = "";
beforeEach(() => {
  buildDir = mkdtempSync(join(tmpdir(), "python-"));
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(buildDir, { recursive: true });
});

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(buildDir, path)), { recursive: true });
    writeFileSync(join(buildDir, path), text);
  }
}
const build = (): Build => ({ buildDir, cacheDir: "/none", stack: "debian-12", forTests: false, env: {}, pythonVersion: "3.11.2", home: join(buildDir, ".heroku/python") });
/** Programs and packages as pip would have installed them. */
const installed = (packages: string[], programs: string[]): void =>
  write(Object.fromEntries([...packages.map((name) => [`.heroku/python/lib/python3.11/site-packages/${name}/__init__.py`, ""]), ...programs.map((name) => [`.heroku/python/bin/${name}`, ""])]));

describe("the Python that an app asks for", () => {
  it.each([["3", ""], ["3.11", ""], ["python-3.11.2", ""], ["# ours\n3.11 # the stack's\n", ""], ["3.11.9", "asks for Python 3.11.9; the stack's is 3.11.2"]])("%j in .python-version is the stack's", (text, warning) => {
    write({ ".python-version": text });
    checkVersion(build());
    expect(printed).toContain("Using Python 3.11.2 specified in .python-version");
    expect(printed).toContain(warning);
    if (!warning) expect(printed).not.toContain(" !     ");
  });

  it.each([
    ["3.13", "Python 3.13 (runtime.txt) is not available: this stack has Python 3.11.2."],
    ["python-2.7.18", 'runtime.txt holds "python-2.7.18", which is no version of Python 3.'],
    ["", "runtime.txt names no Python version."],
    ["3.11\n3.12", "runtime.txt names more than one Python version: 3.11, 3.12."],
  ])("%j in runtime.txt is refused", (text, words) => {
    write({ "runtime.txt": text });
    expect(() => checkVersion(build())).toThrow(words);
  });
});

describe("what installs the packages", () => {
  it.each([
    [["requirements.txt"], "pip"], [["Pipfile", "Pipfile.lock"], "pipenv"], [["poetry.lock", "pyproject.toml"], "poetry"], [["uv.lock", "pyproject.toml"], "uv"], [["setup.py"], "pip"],
  ])("with %j it is %s", (files, manager) => {
    write(Object.fromEntries(files.map((file) => [file, ""])));
    expect(choosePackageManager(buildDir).manager).toBe(manager);
    expect(printed).toBe("");
  });

  it("is told by the first of several, with a warning that names them", () => {
    write({ "requirements.txt": "", "uv.lock": "", "pyproject.toml": "" });
    expect(choosePackageManager(buildDir)).toEqual({ manager: "pip", file: "requirements.txt" });
    expect(printed).toContain("Files of more than one package manager are here: requirements.txt, uv.lock, pyproject.toml.");
  });

  it.each([
    [{ "pyproject.toml": "[tool.poetry]\nname = 'a'\n" }, "No lock file: pyproject.toml is written for poetry, but there is no poetry.lock."],
    [{ "pyproject.toml": "[tool.uv.sources]\n" }, "No lock file: pyproject.toml is written for uv, but there is no uv.lock."],
    [{ "pyproject.toml": "[tool.black]\n" }, "pyproject.toml has no [project] table"],
    [{ "poetry.lock": "" }, "There is poetry.lock, but no pyproject.toml beside it."],
  ])("cannot be told from %j", (files, words) => {
    write(files);
    expect(() => choosePackageManager(buildDir)).toThrow(words);
  });

  it.each([["", "uv==0.13.9"], ['[tool.uv]\nrequired-version = ">=0.5, <1"\n', "uv>=0.5,<1"], ['[tool.uv]\nrequired-version = "0.5.1"\n', "uv==0.5.1"], ['[tool.uv]\nrequired-version = "x; rm -rf /"\n', "uv==0.13.9"]])("of pyproject.toml %j is %s", (text, requirement) => {
    write({ "pyproject.toml": text });
    expect(toolRequirement(build(), "uv")).toBe(requirement);
  });
});

it("requirements.txt is read with what it includes, however the lines are written", () => {
  write({ "requirements.txt": "-r base/all.txt\n# words\nflask==3.1 # pinned\nlong \\\n  ==1\n-c=limits.txt\n", "base/all.txt": "-r ../more.txt\n", "more.txt": "./local.whl\n", "limits.txt": "open>=1\n" });
  expect(readRequirements(buildDir)).toEqual({ files: ["requirements.txt", "base/all.txt", "limits.txt", "more.txt"], hasLocalCopies: false, isPinned: false });
  write({ "requirements.txt": "./package\nflask==3\n" });
  expect(readRequirements(buildDir)).toMatchObject({ hasLocalCopies: true, isPinned: true });
});

it("pip is given requirements-test.txt beside what names the app's packages, where it builds for tests", () => {
  write({ "requirements.txt": "", "requirements-test.txt": "" });
  const files = (forTests: boolean, file: string): string[] => requirementsFiles({ ...build(), forTests }, file);
  expect([files(false, "requirements.txt"), files(true, "requirements.txt"), files(true, "pyproject.toml"), files(false, "pyproject.toml")]).toEqual([["requirements.txt"], ["requirements.txt", "requirements-test.txt"], ["requirements-test.txt"], []]);
  rmSync(join(buildDir, "requirements-test.txt"));
  expect(files(true, "requirements.txt")).toEqual(["requirements.txt"]);
});

it("wheels in folders of well-known names are offered to pip and uv, beside what config vars name", () => {
  write({ "wheels/a-1-py3-none-any.whl": "", "vendor/notes.txt": "" });
  expect(wheelFolders(buildDir)).toEqual(["wheels"]);
  expect(withWheels({ PIP_FIND_LINKS: "https://a.example" }, buildDir)).toEqual({ PIP_FIND_LINKS: `${buildDir}/wheels https://a.example`, UV_FIND_LINKS: `${buildDir}/wheels` });
});

describe("the web process of an app without a Procfile", () => {
  const note = (): string => readFileSync(join(buildDir, ".heroku/release.yml"), "utf8");
  it.each([
    [{ "shop/wsgi.py": "", "manage.py": "" }, ["django"], ["gunicorn"], "gunicorn shop.wsgi"],
    [{ "src/shop/asgi.py": "", "src/manage.py": "" }, ["django"], ["uvicorn"], "uvicorn shop.asgi:application --app-dir src --host 0.0.0.0 --port $PORT"],
    [{ "main.py": "api = fastapi.FastAPI(\n" }, ["fastapi"], ["uvicorn"], "uvicorn main:api --host 0.0.0.0 --port $PORT"],
    [{ "app/__init__.py": "app: Flask = Flask(__name__)\n" }, ["flask"], ["gunicorn"], "gunicorn app:app"],
    [{ "wsgi.py": "def create_app(config=None):\n" }, ["flask"], ["gunicorn"], "gunicorn 'wsgi:create_app()'"],
  ])("of %j with %j and %j is %s", (files, packages, programs, command) => {
    write(files);
    installed(packages, programs);
    noteWebProcess(build());
    expect(note()).toBe(`---\ndefault_process_types:\n  web: ${JSON.stringify(command)}\n`);
  });

  it("is none where no server is installed or nothing is evident, and the pusher reads what is missing", () => {
    write({ "app.py": "app = Flask(__name__)\n" });
    installed(["flask"], []);
    noteWebProcess(build());
    expect(note()).toBe("--- {}\n");
    expect(printed).toContain("Flask is installed, but no server to run it with.");
  });

  it("is the Procfile's where it names one", () => {
    write({ Procfile: "web: python app.py\n", "app.py": "app = Flask(__name__)\n" });
    installed(["flask"], ["gunicorn"]);
    noteWebProcess(build());
    expect([note(), printed]).toEqual(["--- {}\n", ""]);
  });
});

describe("what Python's tools say", () => {
  it.each(PYTHON_FAILURES)("$name", ({ said, reads }) => {
    expect(causeOf(CAUSES, said)).toEqual(reads);
  });
});
