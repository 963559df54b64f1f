import type { LanguageApp } from "./app.ts";
import { greeting } from "./example.ts";

export const java: LanguageApp[] = [
  greeting("java-spring-boot", "spring-boot", "Java app detected", "src/main/java/com/example/hello/Application.java", "/hello/you"),
  { name: "java-jar", source: "jar", detected: "JAR app detected", answers: [/^one$/m, /^two$/m], change: { text: "two\n" } },
];
