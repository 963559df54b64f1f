/** What Maven, Gradle and javac say when they fail, and what it means. */

import type { Cause } from "../../lib/causes.ts";

const ARTIFACT = /(?:Could not find|was not found:?|Could not find artifact) (?:artifact )?([\w.-]+:[\w.-]+):(?:[\w-]+:)*([\w.-]+) in /;

export const CAUSES: Cause[] = [
  { said: /Non-parseable POM (\S+): [\s\S]*?@ line (\d+)|Malformed POM (\S+): [\s\S]*?@ line (\d+)/, means: (found) => [`${inApp(found[1] ?? found[3])} is no XML from line ${found[2] ?? found[4]} on: see above.`, "Is it the leftover of a merge? Settle it; `mvn validate` tells when it can be read."] },
  { said: /Non-resolvable parent POM[\s\S]*?Could not find artifact ([\w.-]+:[\w.-]+):pom:([\w.-]+)/, means: (found) => [`The parent ${found[1]} has no version ${found[2]} in the repository.`, "Correct it in pom.xml; is the parent a folder above, then push from there."] },
  { said: /'dependencies\.dependency\.version' for ([\w.-]+:[\w.-]+?):jar is missing/, means: (found) => [`pom.xml names no version for ${found[1]}.`, "Add <version>, or a parent or BOM that manages it."] },
  { said: /Child module (\S+) of \S+ does not exist/, means: (found) => [`pom.xml names the module ${inApp(found[1])}, which is not in this repository.`, "Commit it, or remove it from <modules>."] },
  { said: /Unknown lifecycle phase "([^"]+)"|No plugin found for prefix '([^']+)'/, means: (found) => [`Maven knows no goal ${found[1] ?? found[2]}.`, "Correct the config var MAVEN_CUSTOM_GOALS."] },
  { said: /The requested profile "([^"]+)" could not be activated[\s\S]*\[ERROR\]/, means: (found) => [`pom.xml has no profile ${found[1]}.`, "Correct the config var MAVEN_CUSTOM_OPTS."] },
  { said: /Blocked mirror for repositories: \[(\S+) \((http:[^,)]+)/, means: (found) => [`The repository ${found[1]} (${found[2]}) is asked without encryption, which Maven refuses.`, "Write https in its address in pom.xml, or remove it."] },
  { said: /(?:401|403)[ ,]+(?:Unauthorized|Forbidden)|status code: 40[13]|Received status code 40[13]|Not authorized/, means: () => ["A Maven repository refused access.", "Put its user and password as ${env.NAME} into a settings.xml, set the config vars, and MAVEN_SETTINGS_PATH to that file."] },
  {
    said: /Connect to \S+ (?:\[[^\]]*\] )?(?:failed|timed out)|Connection refused|Unknown host|UnknownHostException|Connection reset|Read timed out|transfer failed for (?!\S+[\s\S]*PKIX)/,
    means: () => ["A Maven repository is out of reach.", "Check that this machine can reach it, then push again; a settings.xml may name a mirror."],
  },
  { said: /PKIX path building failed/, means: () => ["A Maven repository shows a certificate that this machine does not trust.", "Let the server's administrator add its authority to the machine's certificates."] },
  { said: /Plugin ([\w.-]+:[\w.-]+):([\w.-]+) or one of its dependencies could not be resolved/, means: (found) => [`The plugin ${found[1]} ${found[2]} is not in the repository.`, "Correct its group, name and version in pom.xml."] },
  { said: ARTIFACT, means: (found) => [`The repository has no ${found[1]} in version ${found[2]}.`, "Check its spelling and version; if it is private, pom.xml must name its repository."] },
  { said: /Could not find ([\w.-]+:[\w.-]+):([\w.-]+)\.\s/, means: (found) => [`The repository has no ${found[1]} in version ${found[2]}.`, "Check its spelling and version; if it is private, the build script must name its repository."] },
  { said: /Checksum validation failed|checksum mismatch/i, means: () => ["A download is not what the repository's checksum tells.", "Push again; if it fails again, the repository or a proxy on the way delivers something else."] },
  {
    said: /Unsupported class file major version 61|Could not initialize class org\.codehaus\.groovy\.runtime\.InvokerHelper|Could not determine java version from '17/,
    means: () => ["This Gradle is too old to run on Java 17, which this stack has.", "Run `./gradlew wrapper --gradle-version 8.14` (7.3 is the first that can), commit and push again."],
  },
  {
    said: /(?:invalid target release|release version): ?(\d+)(?: not supported)?|Unsupported class file major version (\d+)|class file has wrong version (\d+)|error: release version (\d+) not supported/,
    means: (found) => {
      const java = found[1] ?? found[4] ?? String(Number(found[2] ?? found[3]) - 44);
      return [`This app is compiled for Java ${java}; this stack has Java 17.`, "Set maven.compiler.release (or java.version; in Gradle languageVersion) to 17, commit and push again."];
    },
  },
  { said: /Source option (\d+) is no longer supported/, means: (found) => [`Java 17 no longer compiles for Java ${found[1]}.`, "Set maven.compiler.source and maven.compiler.target to 8 or later."] },
  { said: /Cannot find a Java installation on your machine[\s\S]*?languageVersion=(\d+)|No matching toolchains? found/, means: (found) => [`The build asks for a toolchain of Java ${found[1] ?? "another version"}; this stack has Java 17.`, "Set its languageVersion to 17, commit and push again."] },
  { said: /Task '([^']+)' not found in/, means: (found) => [`The Gradle build has no task ${found[1]}.`, "Add it to build.gradle (`task stage(dependsOn: ['build'])`), or name another in the config var GRADLE_TASK."] },
  { said: /Unable to access jarfile \S*maven-wrapper\.jar|Could not find or load main class org\.(?:apache\.maven\.wrapper|gradle\.wrapper)/, means: () => ["The wrapper's own archive is not in this repository.", "Add .mvn/wrapper (or gradle/wrapper) with its .jar: is *.jar in .gitignore?"] },
  { said: /There are test failures|Tests run: \d+, Failures: [1-9]/, means: () => ["Tests failed, and with them the build.", "See them above; MAVEN_CUSTOM_OPTS=-DskipTests builds without them."] },
  { said: /(\S+\.(?:java|kt)):\[?(\d+)[,:]\d*\]? (?:error: )?package (\S+) does not exist/, means: (found) => [`${inApp(found[1])}, line ${found[2]}: package ${found[3]} does not exist.`, "Add the dependency that it is from to pom.xml (build.gradle). Is it the app's own? Is it committed then, in a folder of the same case?"] },
  { said: /(\S+\.(?:java|kt)):\[?(\d+)(?:,\d+\]|:) (?:error: )?(.+)/, means: (found) => [`${inApp(found[1])} does not compile: line ${found[2]}, ${found[3]}.`, "`mvn test-compile` (`./gradlew testClasses`) shows the same on your machine, if it is the same Java."] },
  { said: /OutOfMemoryError|exit(?:ed with)? (?:value|code) 137|There is insufficient memory/, means: () => ["The build ran out of memory.", "Let it do less at a time, or give builds more memory."] },
  { said: /No space left on device/, means: () => ["The disk is full.", "Make room on the server, then push again."] },
];

/** What a wrapper says that has not got its build tool. */
export const WRAPPER_CAUSES: Cause[] = [
  { said: /Unable to access jarfile \S*-wrapper\.jar|Could not find or load main class org\.(?:apache\.maven\.wrapper|gradle\.wrapper)|Invalid or corrupt jarfile/, means: () => ["The wrapper's own archive is not in this repository, or damaged.", "Run `gradle wrapper` and commit gradle/wrapper with its .jar: is *.jar in .gitignore?"] },
  { said: /Verification of Gradle distribution failed/, means: () => ["What distributionUrl names is not what distributionSha256Sum says.", "Correct one of the two in gradle/wrapper/gradle-wrapper.properties."] },
];

/** As the pusher knows it. */
function inApp(path = ""): string {
  return path.replace(/^\/app\//, "");
}
