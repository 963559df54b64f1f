import { describe, expect, it } from "vitest";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import { CAUSES } from "../../buildpacks/java/lib/causes.ts";
import { gradleTasks } from "../../buildpacks/java/lib/gradle.ts";
import { checkJava } from "../../buildpacks/java/lib/java-version.ts";
import { jarOf, webCommand } from "../../buildpacks/java/lib/programs.ts";
import { trustStore } from "../../buildpacks/java/lib/trust-store.ts";
import { JAVA_FAILURES } from "./java-failures.ts";

describe("system.properties", () => {
  it.each(["17", "17.0.9", "openjdk-17", "zulu-17.0.9", undefined])("java.runtime.version=%s is the stack's", (version) => {
    checkJava(version && `maven.version=3.9\njava.runtime.version=${version}\n`);
  });

  it.each([
    ["21", "system.properties asks for Java 21; this stack has Java 17, and no other can be fetched."],
    ["1.8", "system.properties asks for Java 1.8; this stack has Java 17, and no other can be fetched."],
    ["corretto-11.0.2", "system.properties asks for Java corretto-11.0.2; this stack has Java 17, and no other can be fetched."],
    ["latest", 'java.runtime.version in system.properties is "latest", which is no version of Java.'],
  ])("java.runtime.version=%s is refused", (version, words) => {
    expect(() => checkJava(`java.runtime.version=${version}`)).toThrow(words);
  });
});

describe("the program among the archives", () => {
  const BOOT = "Manifest-Version: 1.0\nMain-Class: org.springframework.boot.loader.launch.JarLauncher\n";
  it("is the one with a main class, and the one that serves among several", () => {
    expect(jarOf("target/lib.jar", "Manifest-Version: 1.0\n")).toBeUndefined();
    const boot = jarOf("web/target/web.jar", BOOT);
    const tool = jarOf("tool/target/tool.jar", "Main-Class: com.x.Tool\n");
    expect(webCommand("/none", [boot, tool].filter((jar) => jar !== undefined))).toBe("java -Dserver.port=$PORT $JAVA_OPTS -jar web/target/web.jar");
    expect(webCommand("/none", [tool, tool].filter((jar) => jar !== undefined))).toBeUndefined();
    expect(webCommand("/none", [])).toBeUndefined();
    expect(webCommand("/none", [{ path: "it's.jar", kind: "plain" }])).toBe("java -Dserver.port=$PORT $JAVA_OPTS -jar 'it'\\''s.jar'");
  });
});

describe("the task for Gradle", () => {
  it.each([
    ["assemble -x lint", "", ["assemble", "-x", "lint"]],
    [undefined, "plugins { id 'org.springframework.boot' version '3.5.0' }", ["build", "-x", "check"]],
    [undefined, "plugins { id 'java' }", ["stage"]],
  ])("told %j by %j is %j", (told, script, tasks) => {
    expect(gradleTasks(told, script)).toEqual(tasks);
  });
});

describe("the certificates for Java", () => {
  it("are those of the bundle, in a store that is whole", () => {
    const store = trustStore("# one\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n# two\n-----BEGIN CERTIFICATE-----\nBAU=\n-----END CERTIFICATE-----\n");
    expect(store.subarray(0, 12).toString("hex")).toBe("feedfeed0000000200000002");
    expect(store.includes(Buffer.from([0, 0, 0, 3, 1, 2, 3]))).toBe(true);
    expect(store.includes(Buffer.from([0, 0, 0, 2, 4, 5]))).toBe(true);
  });
});

describe("what Maven and Gradle say", () => {
  it.each(JAVA_FAILURES)("$name", ({ said, reads }) => {
    expect(reads).not.toEqual([]);
    expect(causeOf(CAUSES, said)).toEqual(reads);
  });
});
