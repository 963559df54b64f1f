import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LanguageApp } from "./app.ts";
import { gradleWrapper } from "./debian-gradle.ts";
import { greeting } from "./example.ts";
import type { Files } from "./made-files.ts";
import { mavenWrapper } from "./maven-wrapper.ts";

const GREETER = "src/main/java/Greeter.java";

const SOURCE = readFileSync(join(import.meta.dirname, "apps/maven", GREETER), "utf8");

/** An app of that folder whose tests say so before each release. Without network they run only where the build has left them all that they need. */
function testedApp(name: string, folder: "maven" | "gradle", tested: RegExp, more: () => Promise<Files> = async () => ({})): LanguageApp {
  const detected = `${folder === "maven" ? "Java" : "Gradle"} app detected`;
  return { name, source: folder, added: async () => ({ [GREETER]: SOURCE, ...(await more()) }), detected, tested, answers: [/^built one$/, /^built two$/], change: { [GREETER]: SOURCE.replace("built one", "built two") } };
}

/** app.json with that as the command for tests. */
const testedBy = (test: string): Record<string, string> => ({ "app.json": JSON.stringify({ environments: { test: { scripts: { test } } } }) });

const RAN = /Tests run: 1, Failures: 0/;

export const java: LanguageApp[] = [
  greeting("java-spring-boot", "spring-boot", "Java app detected", "src/main/java/com/example/hello/Application.java", "/hello/you"),
  { name: "java-jar", source: "jar", detected: "JAR app detected", answers: [/^one$/m, /^two$/m], change: { text: "two\n" } },
  testedApp("java-maven-tests", "maven", /Nothing to compile - all classes are up to date\./),
  testedApp("java-mvn-script", "maven", RAN, async () => testedBy("mvn --batch-mode --offline test")),
  testedApp("java-mvnw", "maven", RAN, async () => ({ ...(await mavenWrapper("only-script")), ...testedBy("./mvnw --batch-mode --offline test") })),
  testedApp("java-mvnw-jar", "maven", RAN, async () => ({ ...(await mavenWrapper("bin")), ...testedBy("sh ./mvnw --batch-mode --offline test") })),
  // As old as it is, this Gradle asks a server for checksums of what was copied; those that run on Java 17 by themselves do not.
  testedApp("java-gradle-tests", "gradle", /:compileTestJava UP-TO-DATE/, gradleWrapper),
  testedApp("java-gradle-script", "gradle", /OK \(1 test\)/, async () => ({ ...(await gradleWrapper()), ...testedBy("./gradlew --console=plain check") })),
];
