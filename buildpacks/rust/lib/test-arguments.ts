/** With which arguments `cargo test` is going to be run, so that what it wants is compiled before. */

import { parseJsonObject } from "../../lib/json.ts";
import { readOwnFile } from "../../lib/own-file.ts";

/** `cargo test …` in a script, up to what ends a command or is no plain word. */
const CARGO_TEST = /\bcargo\s+(?:test|t)(?=[\s;&|)]|$)((?:"[^"$`\\]*"|'[^']*'|(?!\s\d*[<>])[^\n"'$`\\;&|<>()#])*)/g;
/** Arguments of `cargo build` that say which programs are made, and how: tests are compiled as Cargo does it by itself. */
const OF_PROGRAMS = new Map([["--release", 0], ["-r", 0], ["--bins", 0], ["--bin", 1], ["--profile", 1], ["--message-format", 1]]);
/** Arguments of `cargo test` with which nothing could be compiled ahead, or downloaded for it. */
const OF_RUNS = new Map([["--no-run", 0], ["--doc", 0], ["--offline", 0], ["--frozen", 0], ["--message-format", 1]]);

/**
 * Arguments of each `cargo test` in the test script of app.json; where it has none, the one run of bin/test: packages and features
 * as RUST_CARGO_BUILD_FLAGS names them.
 */
export function testArguments(buildDir: string, buildFlags: string | undefined): string[][] {
  const runs = argumentsIn(testScript(buildDir));
  return runs.length > 0 ? runs : [without(OF_PROGRAMS, buildFlags?.split(/\s+/).filter(Boolean) ?? [])];
}

export function argumentsIn(script: string): string[][] {
  return [...script.matchAll(CARGO_TEST)].map(([, text = ""]) => {
    const words = [...text.matchAll(/(?:"[^"]*"|'[^']*'|\S)+/g)].map(([word]) => word.replace(/["']/g, ""));
    const ours = words.indexOf("--");
    return without(OF_RUNS, ours < 0 ? words : words.slice(0, ours));
  });
}

/** The control plane has read app.json before: what it takes for a script is one. */
function testScript(buildDir: string): string {
  type Scripts = { scripts?: { test?: string } };
  const { scripts, environments } = parseJsonObject("app.json", readOwnFile(buildDir, "app.json") ?? "{}") as Scripts & { environments?: { test?: Scripts } };
  return environments?.test?.scripts?.test ?? scripts?.test ?? "";
}

/** @param unwanted how many words of its own each of them has behind it, where they are not joined by `=` */
function without(unwanted: Map<string, number>, words: string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? "";
    const more = unwanted.get(word.replace(/=.*/, ""));
    if (more === undefined) kept.push(word);
    else if (!word.includes("=")) i += more;
  }
  return kept;
}
