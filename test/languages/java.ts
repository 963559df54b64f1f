import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LanguageApp } from "./app.ts";
import { gradleWrapper } from "./debian-gradle.ts";
import { greeting } from "./example.ts";
import { mavenWrapper } from "./maven-wrapper.ts";

const GREETER = "src/main/java/Greeter.java";

/** An app of that folder whose tests run before each release. Without network they do so only where the build has left them all that they need. */
function tested(name: string, folder: string, detected: string, added?: LanguageApp["added"]): LanguageApp {
  const source = readFileSync(join(import.meta.dirname, "apps", folder, GREETER), "utf8");
  return { name, source: folder, ...(added && { added }), detected, answers: [/^built one$/, /^built two$/], change: { [GREETER]: source.replace("built one", "built two") } };
}

/** app.json with that as the command for tests. */
const testedBy = (test: string): Record<string, string> => ({ "app.json": JSON.stringify({ environments: { test: { scripts: { test } } } }) });

export const java: LanguageApp[] = [
  greeting("java-spring-boot", "spring-boot", "Java app detected", "src/main/java/com/example/hello/Application.java", "/hello/you"),
  { name: "java-jar", source: "jar", detected: "JAR app detected", answers: [/^one$/m, /^two$/m], change: { text: "two\n" } },
  tested("java-maven-tests", "maven", "Nothing to compile - all classes are up to date."),
  tested("java-mvn-script", "maven", "Tests run: 1, Failures: 0", async () => testedBy("mvn --batch-mode --offline test")),
  tested("java-mvnw", "maven", "Tests run: 1, Failures: 0", async () => ({ ...(await mavenWrapper("only-script")), ...testedBy("./mvnw --batch-mode --offline test") })),
  tested("java-mvnw-jar", "maven", "Tests run: 1, Failures: 0", async () => ({ ...(await mavenWrapper("bin")), ...testedBy("sh ./mvnw --batch-mode --offline test") })),
  // As old as it is, this Gradle asks a server for checksums of what was copied; those that run on Java 17 by themselves do not.
  tested("java-gradle-tests", "gradle", ":compileTestJava UP-TO-DATE", gradleWrapper),
  tested("java-gradle-script", "gradle", "OK (1 test)", async () => ({ ...(await gradleWrapper()), ...testedBy("./gradlew --console=plain check") })),
];
