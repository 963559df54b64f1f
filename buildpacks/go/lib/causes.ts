/** What the go command says when it fails, and what it means. */

import type { Cause } from "../../lib/causes.ts";

const COMMIT = "commit it and push again.";

export const CAUSES: Cause[] = [
  {
    said: /missing go\.sum entry for (?:module providing package|go\.mod file;?) ?(\S*)/,
    means: (found) => [`go.sum lacks an entry${found[1] ? ` for ${found[1]}` : ""}: it is not committed, or older than go.mod.`, `Run \`go mod tidy\`, add go.sum, ${COMMIT}`],
  },
  { said: /updates to go\.(?:mod|sum) needed/, means: () => ["go.mod is not complete.", `Run \`go mod tidy\`, look at what changed, ${COMMIT}`] },
  {
    said: /SECURITY ERROR|verifying (\S+): checksum mismatch/,
    means: () => ["A downloaded module is not the one that go.sum recorded.", "Was the version's tag moved, or the line in go.sum changed in a merge? If the module's copy is the right one: `go clean -modcache && rm go.sum && go mod tidy`, commit it and push again."],
  },
  {
    said: /go\.mod requires go >= (\S+) \(running go (\S+);/,
    means: (found) => [`go.mod asks for Go ${found[1]}, but the build was told to use ${found[2]}.`, "Remove GOVERSION (config var) or `// +heroku goVersion` and `toolchain` (go.mod), or make them newer."],
  },
  {
    said: /(?:: |module )(\S+@\S+) requires go >= (\S+) \(running go (\S+);/,
    means: (found) => [`${found[1]} needs Go ${found[2]}; this build uses ${found[3]}.`, `Run \`go get go@${found[2]} && go mod tidy\`, ${COMMIT}`],
  },
  {
    said: /inconsistent vendoring/,
    means: () => ["The vendor folder is not what go.mod asks for.", `Run \`go mod vendor\`, add vendor/, ${COMMIT}`, "Or remove vendor/ from the repository: the modules are then downloaded and kept between builds."],
  },
  { said: /cannot find module providing package (\S+): import lookup disabled by -mod=vendor/, means: (found) => [`The vendor folder lacks ${found[1]}.`, `Run \`go mod vendor\`, add vendor/, ${COMMIT}`] },
  { said: /go\.mod:(\d+): unknown directive: <<<<<<</, means: (found) => [`go.mod still has the marks of a merge, from line ${found[1]}.`, `Settle it, run \`go mod tidy\`, ${COMMIT}`] },
  {
    said: /go\.mod:\d+: require (\S+): version "([^"]+)" invalid/,
    means: (found) => [`go.mod asks for ${found[1]} at ${found[2]}, which is no version that exists.`, `Run \`go get ${found[1]}@latest && go mod tidy\`, ${COMMIT}`],
  },
  { said: /errors parsing go\.mod:\s+go\.mod:(\d+): (.+)/, means: (found) => [`Line ${found[1]} of go.mod cannot be read: ${found[2]}.`, "Correct it; `go mod tidy` tells when it can be read."] },
  {
    said: /no required module provides package (\S+?);? to add it|cannot find module providing package (\S+?)(?::|\s|$)/,
    means: (found) => {
      const name = found[1] ?? found[2];
      return [`No module in go.mod provides package ${name}.`, `Run \`go get ${name}\`, commit go.mod and go.sum and push again.`, "Is it a folder of this repository? Then is it committed, and its name spelt in the same case? Names are case-sensitive here."];
    },
  },
  {
    said: /package (\S+) is not in (?:std|GOROOT)/,
    means: (found) => [`Package ${found[1]} is neither in Go's standard library nor named by its module.`, "A package of this repository is imported by the module's name and its folder: see the first line of go.mod."],
  },
  {
    said: /could not read Username|terminal prompts disabled|Permission denied \(publickey\)|fatal: Authentication failed|40[17] Unauthorized/,
    means: () => ["A private module cannot be read without a password.", "Set GOPRIVATE to its path and GO_GIT_CRED__HTTPS__<HOST> to user:token, both as config vars: GO_GIT_CRED__HTTPS__GITHUB__COM for github.com."],
  },
  {
    said: /(?:\s|^)(\S+@\S+?): (?:reading \S+: (?:404|410|403)|invalid version|.*unknown revision)/m,
    means: (found) => [`${found[1]} does not exist on the Go module proxy.`, "Check the version in go.mod (`go list -m -versions <module>`), and the spelling.", "Is it private? Then set GOPRIVATE to its path as a config var."],
  },
  {
    said: /dial tcp|i\/o timeout|no such host|TLS handshake timeout|connection re(?:fused|set)|unexpected EOF/,
    means: () => ["The Go module proxy is out of reach.", "Check that this machine can reach it, then push again; the config var GOPROXY names another, and a vendor folder needs none."],
  },
  { said: /module lookup disabled by GOPROXY=off/, means: () => ["A module has to be downloaded, but GOPROXY=off forbids it.", "Remove that config var, or run `go mod vendor` and commit vendor/."] },
  { said: /replacement directory (\S+) does not exist/, means: (found) => [`go.mod replaces a module by ${found[1]}, which is not in this repository.`, "Commit that folder inside the repository, or remove the `replace` line."] },
  { said: /import cycle not allowed/, means: () => ["Packages import each other in a circle: see above.", "Move what both need into a third package."] },
  { said: /use of internal package (\S+) not allowed/, means: (found) => [`${found[1]} is internal: only its own module may import it.`, "Use what that module offers publicly."] },
  { said: /pattern (\S+): no matching files found/, means: (found) => [`//go:embed ${found[1]} finds no file.`, "Is it committed (.gitignore), or made by a step that runs only on your machine? bin/go-pre-compile runs before the build."] },
  { said: /build constraints exclude all Go files in (\S+)/, means: (found) => [`Every file in ${folderOf(found[1])} is meant for another system or build tag.`, "Programs are built for Linux with -tags heroku."] },
  { said: /found packages (\S+) \((\S+)\) and (\S+) \((\S+)\)/, means: (found) => [`${found[2]} and ${found[4]} lie in one folder but belong to different packages (${found[1]}, ${found[3]}).`, "Move one of them into a folder of its own."] },
  { said: /function main is undeclared in the main package/, means: () => ["A package is named main but has no `func main()`.", "Add it, or name the package otherwise."] },
  { said: /(?:stat|pattern) (\S+?):? .*(?:directory not found|no such file or directory)|"([^"]+)" matched no packages/, means: (found) => [`There is no package at ${folderOf(found[1] ?? found[2])}.`, "Correct GO_INSTALL_PACKAGE_SPEC (config var) or `// +heroku install` (go.mod)."] },
  { said: /parsing \$GOFLAGS: (.+)/, means: (found) => [`The config var GOFLAGS cannot be understood: ${found[1]}.`, "Correct it: `config:set GOFLAGS=…`."] },
  { said: /fatal error: (\S+\.h): No such file or directory/, means: (found) => [`C code needs ${found[1]}, which this stack does not have.`, "Choose a module in pure Go; or set CGO_ENABLED=0 as a config var where the module can do without C."] },
  { said: /Package (\S+) was not found in the pkg-config search path/, means: (found) => [`A module needs the C library ${found[1]}, which this stack does not have.`, "Choose a module in pure Go; or set CGO_ENABLED=0 as a config var where the module can do without C."] },
  { said: /signal: killed|cannot allocate memory/, means: () => ["The compiler was killed: the build ran out of memory.", "Set GOFLAGS=-p=1 as a config var, so that less is compiled at a time; or give builds more memory."] },
  { said: /no space left on device/, means: () => ["The disk is full.", "Make room on the server, then push again."] },
  {
    said: /^(?:\.\/)?(\S+\.go):(\d+):(?:\d+:)? (.+)$/m,
    means: (found) => [`${found[1]} does not compile: line ${found[2]}, ${found[3]}.`, "`go vet ./...` shows the same on your machine, if it is the same Go."],
  },
];

/** As the pusher knows it. */
function folderOf(path = ""): string {
  return path.replace(/^\/app\/?/, "./");
}
