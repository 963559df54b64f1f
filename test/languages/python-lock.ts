/** Lock files of uv and Poetry, written by the versions that the buildpack installs: they name the package index, which is not this project's to name. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Build } from "../../buildpacks/python/lib/build.ts";
import { toolRequirement, type Tool } from "../../buildpacks/python/lib/tools.ts";
import { madeFiles, type Files } from "./made-files.ts";

const LOCK: Partial<Record<Tool, string>> = {
  uv: "uv lock",
  // By the list of files that every package index has: what Poetry asks by itself, not all of them answer.
  poetry: `index=\${PIP_INDEX_URL:-$(python -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)')}
poetry source add --priority=primary simple "$index"
poetry lock`,
};

/** @returns pyproject.toml and the lock file, by path */
export function locked(tool: "uv" | "poetry", folder: string): Promise<Files> {
  const buildDir = join(import.meta.dirname, "apps", folder);
  const install = `set -e\npython3 -m venv /tmp/tool\nexport PATH=/tmp/tool/bin:$PATH\npip install --quiet '${toolRequirement({ buildDir } as Build, tool)}'`;
  return madeFiles({
    packages: ["python3-venv"], command: ["bash", "-c", `${install}\n${LOCK[tool]}`], files: { "pyproject.toml": readFileSync(join(buildDir, "pyproject.toml"), "utf8") }, network: "bridge",
    env: { PIP_CERT: "/etc/ssl/certs/ca-certificates.crt", REQUESTS_CA_BUNDLE: "/etc/ssl/certs/ca-certificates.crt", SSL_CERT_FILE: "/etc/ssl/certs/ca-certificates.crt" },
  });
}
