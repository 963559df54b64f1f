/** Maven's wrapper, as its own plugin writes it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { madeFiles, type Files } from "./made-files.ts";

const PACKAGES = ["openjdk-17-jdk-headless", "maven"];
/** Java knows only what it is told to trust: as the buildpack does it. */
const TRUST = `${readFileSync(join(import.meta.dirname, "../../buildpacks/java/lib/trust-store.ts"), "utf8")}
import { readFileSync, writeFileSync } from "node:fs";
writeFileSync("/tmp/cacerts", trustStore(readFileSync("/etc/ssl/certs/ca-certificates.crt", "utf8")));`;
const WRAPPED_MAVEN = "3.9.11";

/** @param type `bin` has an archive of the wrapper in the repository, `only-script` none @returns mvnw and its properties, by path */
export async function mavenWrapper(type: "bin" | "only-script"): Promise<Files> {
  const write = `set -e\nprintf %s "$TRUST" >/tmp/trust.mts\n/opt/paas/node/bin/node /tmp/trust.mts
mvn --batch-mode --quiet -Dmaven.repo.local=/tmp/repository org.apache.maven.plugins:maven-wrapper-plugin:3.3.4:wrapper -Dtype=${type} -Dmaven=${WRAPPED_MAVEN}`;
  return await madeFiles({ packages: PACKAGES, command: ["bash", "-c", write], env: { TRUST, JAVA_TOOL_OPTIONS: "-Djavax.net.ssl.trustStore=/tmp/cacerts" }, network: "bridge" });
}
