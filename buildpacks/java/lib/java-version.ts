/** The stack's Java against the one that system.properties asks for. */

import { BuildFailure } from "../../lib/output.ts";

export const STACK_JAVA = "17";

/** The value of a key of a Java properties file. */
export function property(text: string, key: string): string | undefined {
  return new RegExp(`^\\s*${key.replaceAll(".", "\\.")}\\s*[=:]\\s*(.*?)\\s*$`, "m").exec(text)?.[1];
}

/** @param text of system.properties @throws BuildFailure when it asks for another Java than the stack's, naming that one */
export function checkJava(text: string | undefined): void {
  const asked = property(text ?? "", "java.runtime.version");
  if (!asked) return;
  // Heroku's forms: 17, 17.0.9, 1.8, openjdk-17, zulu-17.0.9.
  const major = /^(?:[a-z]+-)?(?:1\.(?=\d\b))?(\d+)(?:[.+_]|$)/i.exec(asked)?.[1];
  if (major === undefined) throw new BuildFailure(`java.runtime.version in system.properties is "${asked}", which is no version of Java.`, `Write java.runtime.version=${STACK_JAVA}.`);
  if (major === STACK_JAVA) return;
  const fix = Number(major) > Number(STACK_JAVA) ? "Lower the release that the code is compiled for (maven.compiler.release, java.version) as well" : `Java ${STACK_JAVA} runs what was compiled for earlier ones`;
  throw new BuildFailure(`system.properties asks for Java ${asked}; this stack has Java ${STACK_JAVA}, and no other can be fetched.`, `Write java.runtime.version=${STACK_JAVA}, commit and push again. ${fix}.`);
}
