/** The environment that pip, uv, Poetry, Pipenv and the app's own commands see while it is built. */

import { join } from "node:path";

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** What config vars may change. */
const DEFAULTS: NodeJS.ProcessEnv = {
  PIP_NO_INPUT: "1",
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  PIP_PROGRESS_BAR: "off",
  // With pip's own five and their pauses, a registry out of reach would cost half a minute a package.
  PIP_RETRIES: "2",
  UV_HTTP_RETRIES: "2",
  // uv and Poetry bring certificates of their own; the stack's are the host's.
  SSL_CERT_FILE: CERTIFICATES,
  REQUESTS_CA_BUNDLE: CERTIFICATES,
  PYTHONUNBUFFERED: "1",
};

/** @param env config vars over what the build inherited. The virtual environment counts as active: every tool then installs into it. */
export function toolEnvironment(env: NodeJS.ProcessEnv, home: string, cacheDir: string): NodeJS.ProcessEnv {
  return {
    ...DEFAULTS,
    ...env,
    PATH: `${home}/bin:${env["PATH"]}`,
    VIRTUAL_ENV: home,
    PIP_CACHE_DIR: join(cacheDir, "pip"),
    UV_CACHE_DIR: join(cacheDir, "uv"),
    UV_PROJECT_ENVIRONMENT: home,
    UV_PYTHON_DOWNLOADS: "never",
    UV_LINK_MODE: "copy",
    UV_COMPILE_BYTECODE: "1",
    UV_NO_PROGRESS: "1",
    POETRY_CACHE_DIR: join(cacheDir, "poetry"),
    POETRY_NO_INTERACTION: "1",
    PIPENV_CACHE_DIR: join(cacheDir, "pip"),
    PIPENV_NOSPIN: "1",
    PIPENV_VERBOSITY: "-1",
  };
}
