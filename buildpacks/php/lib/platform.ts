/** The check that Composer leaves beside its autoloader: what would end every request is told while it can still be refused. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { failing } from "../../lib/causes.ts";
import { capture } from "../../lib/command.ts";
import type { Build } from "./build.ts";
import { CAUSES } from "./causes.ts";

/** @throws BuildFailure when the installed packages do not run on this PHP: `config.platform` lets Composer believe in another one. */
export async function checkPlatform({ buildDir, env, manifest: { vendorDir } }: Build): Promise<void> {
  const check = join(buildDir, vendorDir, "composer/platform_check.php");
  if (!existsSync(check)) return;
  const { code, stdout, stderr } = await capture("php", [check], { cwd: buildDir, env });
  failing("Composer's platform check", { code, output: stdout + stderr }, CAUSES);
}
