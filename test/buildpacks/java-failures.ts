/** What Maven 3.8, Gradle and javac 17 printed for broken apps, and what their pushers read. */

import type { Failure } from "./go-failures.ts";

export const JAVA_FAILURES: Failure[] = [
  {
    name: "an artifact that does not exist",
    said: "[ERROR] Failed to execute goal on project app: Could not resolve dependencies for project com.x:app:jar:1: Could not find artifact com.nosuch:thing:jar:1.0 in central (https://repo.example/maven2) -> [Help 1]",
    reads: ["The repository has no com.nosuch:thing in version 1.0.","Check its spelling and version; if it is private, pom.xml must name its repository."],
  },
  {
    name: "a package that does not exist",
    said: "[ERROR] COMPILATION ERROR : \n[ERROR] /app/src/main/java/com/x/App.java:[1,31] package org.nope does not exist\n[ERROR] /app/src/main/java/com/x/App.java:[1,96] cannot find symbol",
    reads: ["src/main/java/com/x/App.java, line 1: package org.nope does not exist.","Add the dependency that it is from to pom.xml (build.gradle). Is it the app's own? Is it committed then, in a folder of the same case?"],
  },
  {
    name: "a newer Java than the stack's",
    said: "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.1:compile (default-compile) on project app: Fatal error compiling: error: invalid target release: 25 -> [Help 1]",
    reads: ["This app is compiled for Java 25; this stack has Java 17.","Set maven.compiler.release (or java.version; in Gradle languageVersion) to 17, commit and push again."],
  },
  {
    name: "an unsettled merge in pom.xml",
    said: "[ERROR] [ERROR] Some problems were encountered while processing the POMs:\n[FATAL] Non-parseable POM /app/pom.xml: in epilog expected ignorable content and not < (position: END_TAG seen ...</dependencies>\\n\\n</project>\\n<<... @6:3)  @ line 6, column 3\n[ERROR] The build could not read 1 project -> [Help 1]",
    reads: ["pom.xml is no XML from line 6 on: see above.","Is it the leftover of a merge? Settle it; `mvn validate` tells when it can be read."],
  },
  {
    name: "a dependency without a version",
    said: "[ERROR] [ERROR] Some problems were encountered while processing the POMs:\n[ERROR] 'dependencies.dependency.version' for com.google.guava:guava:jar is missing. @ line 3, column 27\n[ERROR] The build could not read 1 project -> [Help 1]",
    reads: ["pom.xml names no version for com.google.guava:guava.","Add <version>, or a parent or BOM that manages it."],
  },
  {
    name: "a parent that does not exist",
    said: "[ERROR] [ERROR] Some problems were encountered while processing the POMs:\n[FATAL] Non-resolvable parent POM for com.x:app:1: Could not find artifact org.springframework.boot:spring-boot-starter-parent:pom:99.0.0 in central (https://repo.example/maven2) and 'parent.relativePath' points at wrong local POM @ line 1, column 94\n[ERROR] The build could not read 1 project -> [Help 1]",
    reads: ["The parent org.springframework.boot:spring-boot-starter-parent has no version 99.0.0 in the repository.","Correct it in pom.xml; is the parent a folder above, then push from there."],
  },
  {
    name: "a module that is missing",
    said: "[ERROR] [ERROR] Some problems were encountered while processing the POMs:\n[ERROR] Child module /app/web of /app/pom.xml does not exist @ \n[ERROR] The build could not read 1 project -> [Help 1]",
    reads: ["pom.xml names the module web, which is not in this repository.","Commit it, or remove it from <modules>."],
  },
  {
    name: "a goal that does not exist",
    said: "[ERROR] Unknown lifecycle phase \"nosuchgoal\". You must specify a valid lifecycle phase or a goal in the format <plugin-prefix>:<goal> or <plugin-group-id>:<plugin-artifact-id>[:<plugin-version>]:<goal>. Available lifecycle phases are: validate, initialize, generate-sources, process-sources, generate-resources, process-resources, compile, process-classes, generate-test-sources, process-test-sources, generate-test-reso",
    reads: ["Maven knows no goal nosuchgoal.","Correct the config var MAVEN_CUSTOM_GOALS."],
  },
  {
    name: "a repository out of reach",
    said: "[ERROR] Failed to execute goal on project app: Could not resolve dependencies for project com.x:app:jar:1: Failed to collect dependencies at com.google.guava:guava:jar:30.0-jre: Failed to read artifact descriptor for com.google.guava:guava:jar:30.0-jre: Could not transfer artifact com.google.guava:guava:pom:30.0-jre from/to central (https://repo.example/maven2): transfer failed for https://repo.example/maven2/com/goo",
    reads: ["A Maven repository is out of reach.","Check that this machine can reach it, then push again; a settings.xml may name a mirror."],
  },
  {
    name: "a compile error",
    said: "[ERROR] COMPILATION ERROR : \n[ERROR] /app/src/main/java/com/x/App.java:[1,10] reached end of file while parsing\n[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.1:compile (default-compile) on project app: Compilation failure",
    reads: ["src/main/java/com/x/App.java does not compile: line 1, reached end of file while parsing.","`mvn test-compile` (`./gradlew testClasses`) shows the same on your machine, if it is the same Java."],
  },
  {
    name: "a repository without encryption",
    said: "[ERROR] Failed to execute goal on project app: Could not resolve dependencies for project com.x:app:jar:1: Failed to collect dependencies at com.y:z:jar:1.0: Failed to read artifact descriptor for com.y:z:jar:1.0: Could not transfer artifact com.y:z:pom:1.0 from/to maven-default-http-blocker (http://0.0.0.0/): Blocked mirror for repositories: [old (http://repo.example/m2, default, releases+snapshots)] -> [Help 1]",
    reads: ["The repository old (http://repo.example/m2) is asked without encryption, which Maven refuses.","Write https in its address in pom.xml, or remove it."],
  },
  {
    name: "a plugin that does not exist",
    said: "[ERROR] Plugin com.nosuch:no-maven-plugin:1 or one of its dependencies could not be resolved: Could not find artifact com.nosuch:no-maven-plugin:jar:1 in central (https://repo.example/maven2) -> [Help 1]",
    reads: ["The plugin com.nosuch:no-maven-plugin 1 is not in the repository.","Correct its group, name and version in pom.xml."],
  },
  {
    name: "a Gradle task that does not exist",
    said: "FAILURE: Build failed with an exception.\n\n* What went wrong:\nTask 'stage' not found in root project 'app'.",
    reads: ["The Gradle build has no task stage.","Add it to build.gradle (`task stage(dependsOn: ['build'])`), or name another in the config var GRADLE_TASK."],
  },
  {
    name: "a Gradle dependency that does not exist",
    said: "> Could not resolve all files for configuration ':compileClasspath'.\n   > Could not find com.nosuch:thing:1.0.\n     Searched in the following locations:",
    reads: ["The repository has no com.nosuch:thing in version 1.0.","Check its spelling and version; if it is private, the build script must name its repository."],
  },
  {
    name: "a private repository",
    said: "[ERROR] Failed to execute goal on project app: Could not resolve dependencies: Could not transfer artifact com.y:z:pom:1.0 from/to ours (https://repo.example/): authentication failed, status: 401 Unauthorized -> [Help 1]",
    reads: ["A Maven repository refused access.","Put its user and password as ${env.NAME} into a settings.xml, set the config vars, and MAVEN_SETTINGS_PATH to that file."],
  },
  {
    name: "no memory",
    said: "[ERROR] The system is out of resources.\njava.lang.OutOfMemoryError: Java heap space",
    reads: ["The build ran out of memory.","Let it do less at a time, or give builds more memory."],
  },
  {
    name: "a Gradle that is too old for Java 17",
    said: "FAILURE: Build failed with an exception.\n\n* Where:\nBuild file '/app/build.gradle'\n\n* What went wrong:\nCould not compile build file '/app/build.gradle'.\n> startup failed:\n  General error during conversion: Unsupported class file major version 61",
    reads: ["This Gradle is too old to run on Java 17, which this stack has.", "Run `./gradlew wrapper --gradle-version 8.14` (7.3 is the first that can), commit and push again."],
  },
  {
    name: "tests that do not compile",
    said: "[ERROR] COMPILATION ERROR : \n[ERROR] /app/src/test/java/GreeterTest.java:[9,5] cannot find symbol\n[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.14.0:testCompile (default-testCompile) on project greeter: Compilation failure",
    reads: ["src/test/java/GreeterTest.java does not compile: line 9, cannot find symbol.", "`mvn test-compile` (`./gradlew testClasses`) shows the same on your machine, if it is the same Java."],
  },
];
