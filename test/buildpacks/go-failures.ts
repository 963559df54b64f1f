/** What go 1.26 printed for broken apps, and what their pushers read. */

export type Failure = { name: string; said: string; reads: string[] };

const COMMIT = "commit it and push again.";
const CASE = "Is it a folder of this repository? Then is it committed, and its name spelt in the same case? Names are case-sensitive here.";

export const GO_FAILURES: Failure[] = [
  {
    name: "no go.sum",
    said: "main.go:2:8: missing go.sum entry for module providing package github.com/go-chi/chi/v5 (imported by a.com/x); to add:\n\tgo get a.com/x",
    reads: ["go.sum lacks an entry for github.com/go-chi/chi/v5: it is not committed, or older than go.mod.", `Run \`go mod tidy\`, add go.sum, ${COMMIT}`],
  },
  {
    name: "a module that go.mod does not name",
    said: "main.go:2:8: no required module provides package github.com/go-chi/chi/v5; to add it:\n\tgo get github.com/go-chi/chi/v5",
    reads: ["No module in go.mod provides package github.com/go-chi/chi/v5.", "Run `go get github.com/go-chi/chi/v5`, commit go.mod and go.sum and push again.", CASE],
  },
  {
    name: "an import that is in no module",
    said: "main.go:2:8: package models/user is not in std (/app/go/src/models/user)",
    reads: ["Package models/user is neither in Go's standard library nor named by its module.", "A package of this repository is imported by the module's name and its folder: see the first line of go.mod."],
  },
  {
    name: "a version that does not exist",
    said: "go: downloading github.com/go-chi/chi/v5 v5.99.0\nmain.go:2:8: github.com/go-chi/chi/v5@v5.99.0: reading https://proxy.example/github.com/go-chi/chi/v5/@v/v5.99.0.zip: 404 Not Found\n\tserver response: not found",
    reads: ["github.com/go-chi/chi/v5@v5.99.0 does not exist on the Go module proxy.", "Check the version in go.mod (`go list -m -versions <module>`), and the spelling.", "Is it private? Then set GOPRIVATE to its path as a config var."],
  },
  {
    name: "another checksum",
    said: "verifying github.com/go-chi/chi/v5@v5.0.0: checksum mismatch\n\tdownloaded: h1:a\n\tgo.sum:     h1:b\n\nSECURITY ERROR\nThis download does NOT match an earlier download recorded in go.sum.",
    reads: ["A downloaded module is not the one that go.sum recorded.", `Was the version's tag moved, or the line in go.sum changed in a merge? If the module's copy is the right one: \`go clean -modcache && rm go.sum && go mod tidy\`, ${COMMIT}`],
  },
  { name: "a compile error", said: '# a.com/x\n./main.go:2:8: "os" imported and not used\n./main.go:3:14: undefined: foo', reads: ['main.go does not compile: line 2, "os" imported and not used.', "`go vet ./...` shows the same on your machine, if it is the same Go."] },
  {
    name: "an old vendor folder",
    said: "go: inconsistent vendoring in /app:\n\tgithub.com/go-chi/chi/v5@v5.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt",
    reads: ["The vendor folder is not what go.mod asks for.", `Run \`go mod vendor\`, add vendor/, ${COMMIT}`, "Or remove vendor/ from the repository: the modules are then downloaded and kept between builds."],
  },
  { name: "an older Go than go.mod's", said: "go: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)", reads: ["go.mod asks for Go 1.99, but the build was told to use 1.26.8.", "Remove GOVERSION (config var) or `// +heroku goVersion` and `toolchain` (go.mod), or make them newer."] },
  { name: "an unsettled merge", said: "go: errors parsing go.mod:\ngo.mod:5: unknown directive: <<<<<<<", reads: ["go.mod still has the marks of a merge, from line 5.", `Settle it, run \`go mod tidy\`, ${COMMIT}`] },
  { name: "a go.mod that cannot be read", said: "go: errors parsing go.mod:\ngo.mod:3: usage: require module/path v1.2.3", reads: ["Line 3 of go.mod cannot be read: usage: require module/path v1.2.3.", "Correct it; `go mod tidy` tells when it can be read."] },
  { name: "a circle of imports", said: "package a.com/x\n\timports a.com/x/a from main.go\n\timports a.com/x/b from a.go\n\timports a.com/x/a from b.go: import cycle not allowed", reads: ["Packages import each other in a circle: see above.", "Move what both need into a third package."] },
  { name: "a proxy out of reach", said: 'main.go:2:8: github.com/no/private@v1.0.0: Get "http://127.0.0.1:1/x.zip": dial tcp 127.0.0.1:1: connect: connection refused', reads: ["The Go module proxy is out of reach.", "Check that this machine can reach it, then push again; the config var GOPROXY names another, and a vendor folder needs none."] },
  { name: "a private module", said: "go: github.com/no/private@v1.0.0: invalid version: git ls-remote -q origin: exit status 128:\n\tfatal: could not read Username for 'https://github.com': terminal prompts disabled", reads: ["A private module cannot be read without a password.", "Set GOPRIVATE to its path and GO_GIT_CRED__HTTPS__<HOST> to user:token, both as config vars: GO_GIT_CRED__HTTPS__GITHUB__COM for github.com."] },
  { name: "embedded files that are not there", said: "main.go:3:12: pattern static/*: no matching files found", reads: ["//go:embed static/* finds no file.", "Is it committed (.gitignore), or made by a step that runs only on your machine? bin/go-pre-compile runs before the build."] },
  { name: "a C header that is missing", said: "# a.com/x\n./main.go:2:11: fatal error: foo/bar.h: No such file or directory", reads: ["C code needs foo/bar.h, which this stack does not have.", "Choose a module in pure Go; or set CGO_ENABLED=0 as a config var where the module can do without C."] },
  { name: "a package to install that is not there", said: "stat /app/cmd/server: directory not found", reads: ["There is no package at ./cmd/server.", "Correct GO_INSTALL_PACKAGE_SPEC (config var) or `// +heroku install` (go.mod)."] },
  { name: "two packages in one folder", said: "found packages main (main.go) and x (x.go) in /app", reads: ["main.go and x.go lie in one folder but belong to different packages (main, x).", "Move one of them into a folder of its own."] },
  { name: "a replacement outside", said: "main.go:2:8: b.com/y@v0.0.0: replacement directory ../missing does not exist", reads: ["go.mod replaces a module by ../missing, which is not in this repository.", "Commit that folder inside the repository, or remove the `replace` line."] },
  { name: "no memory", said: "go build runtime: /app/pkg/tool/compile: signal: killed", reads: ["The compiler was killed: the build ran out of memory.", "Set GOFLAGS=-p=1 as a config var, so that less is compiled at a time; or give builds more memory."] },
];
