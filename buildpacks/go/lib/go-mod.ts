/** What go.mod says about the build (https://go.dev/ref/mod#go-mod-file), and Heroku's comments in it. */

import { BuildFailure } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";

export type GoMod = {
  module: string;
  /** Of the `go` and `toolchain` lines, without "go" before the number. */
  go: string | undefined;
  toolchain: string | undefined;
  /** `// +heroku goVersion go1.26` */
  herokuGoVersion: string | undefined;
  /** `// +heroku install ./cmd/...` */
  herokuInstall: string[];
};

/** @throws BuildFailure when it names no module. What else is wrong with it, the go command tells better. */
export function readGoMod(buildDir: string): GoMod {
  return parseGoMod(readOwnFile(buildDir, "go.mod") ?? "");
}

export function parseGoMod(text: string): GoMod {
  const value = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const module = value(/^\s*module\s+["`]?([^\s"`()]+)["`]?/m);
  if (!module) throw new BuildFailure("go.mod does not say which module this is.", "Its first line must be such as: module example.com/app");
  return {
    module,
    go: value(/^go\s+(\S+)/m),
    toolchain: value(/^toolchain\s+go(\S+)/m),
    herokuGoVersion: value(/^\s*\/\/\s*\+heroku\s+goVersion\s+(?:go)?(\S+)/m),
    herokuInstall: value(/^\s*\/\/\s*\+heroku\s+install\s+(.+)$/m)?.trim().split(/\s+/) ?? [],
  };
}
