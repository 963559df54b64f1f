import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import { CAUSES } from "../../buildpacks/go/lib/causes.ts";
import { parseGoMod } from "../../buildpacks/go/lib/go-mod.ts";
import { askedGo } from "../../buildpacks/go/lib/go-version.ts";
import { proxiesOf } from "../../buildpacks/go/lib/module-proxy.ts";
import { checkRecord, openTreeHead } from "../../buildpacks/go/lib/transparent-log.ts";
import { zip } from "../support/zip.ts";
import { GO_FAILURES } from "./go-failures.ts";
import { openWorkbench, type Tree, type Workbench } from "./workbench.ts";

describe("go.mod", () => {
  it("tells the module, the versions and Heroku's comments", () => {
    expect(parseGoMod('// +heroku goVersion go1.26\n// +heroku install ./cmd/... ./tool\nmodule "example.com/app" // ours\n\ngo 1.25.3\ntoolchain go1.26.1\n')).toEqual({ module: "example.com/app", go: "1.25.3", toolchain: "1.26.1", herokuGoVersion: "1.26", herokuInstall: ["./cmd/...", "./tool"] });
  });

  it("is refused without a module", () => {
    expect(() => parseGoMod("go 1.27\n")).toThrow("go.mod does not say which module this is.");
  });

  it.each([
    [{ GOVERSION: "go1.24" }, "// +heroku goVersion go1.26\nmodule a\ngo 1.25\n", "1.24"],
    [{}, "// +heroku goVersion go1.26\nmodule a\ngo 1.25\n", "1.26"],
    [{}, "module a\ngo 1.25\ntoolchain go1.27.1\n", "1.27.1"],
    [{}, "module a\ngo 1.25\n", "1.25"],
    [{}, "module a\n", undefined],
  ])("with %o, %j asks for Go %s", (env, text, version) => {
    expect(askedGo({ buildDir: "", cacheDir: "", mod: parseGoMod(text), env, tools: [] }).version).toBe(version);
  });

  it.each([
    [undefined, ["https://proxy.golang.org", "https://go.dev/dl/mod"]],
    ["https://a.example/,off,https://b.example", ["https://a.example"]],
    ["off", []],
  ])("GOPROXY=%s asks %j", (GOPROXY, proxies) => {
    expect(proxiesOf({ GOPROXY })).toEqual(proxies);
  });
});

describe("what the go command says", () => {
  it.each(GO_FAILURES)("$name", ({ said, reads }) => {
    expect(causeOf(CAUSES, said)).toEqual(reads);
  });
});

/** A log of records as Go's checksum databases publish it. */
function log(count: number) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const sha = (...parts: Buffer[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();
  const record = (index: number): string => `example.com/m${index} v1.0.0 h1:x\n`;
  const levels = [Array.from({ length: count }, (_, index) => sha(Buffer.from([0]), Buffer.from(record(index))))];
  for (let level = levels[0] ?? []; level.length > 1; ) {
    const pairs = level;
    level = Array.from({ length: Math.floor(pairs.length / 2) }, (_, i) => sha(Buffer.from([1]), pairs[2 * i] ?? Buffer.of(), pairs[2 * i + 1] ?? Buffer.of()));
    levels.push(level);
  }
  const root = (hashes: Buffer[]): Buffer => {
    if (hashes.length === 1) return hashes[0] ?? Buffer.of();
    const left = 2 ** Math.ceil(Math.log2(hashes.length) - 1);
    return sha(Buffer.from([1]), root(hashes.slice(0, left)), root(hashes.slice(left)));
  };
  const raw = Buffer.concat([Buffer.from([1]), Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url")]);
  const id = sha(Buffer.from("sums.example\n"), raw).subarray(0, 4);
  const text = `go.sum database tree\n${count}\n${root(levels[0] ?? []).toString("base64")}\n`;
  const note = `${text}\n— sums.example ${Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString("base64")}\n`;
  const readTile = async (path: string): Promise<Buffer> => {
    const [, , level, number] = path.replace(/\.p\/\d+$/, "").split("/");
    return Buffer.concat((levels[Number(level) * 8] ?? []).slice(Number(number) * 256, Number(number) * 256 + 256));
  };
  return { key: `sums.example+${id.toString("hex")}+${raw.toString("base64")}`, note, record, readTile };
}

describe("a Go checksum database", () => {
  it("proves each of its records", async () => {
    const { key, note, record, readTile } = log(700);
    const head = openTreeHead(note, key);
    for (const index of [0, 255, 256, 511, 512, 699]) await checkRecord(record(index), index, head, readTile);
  });

  it("is not believed in a record that is not its own, nor at another place", async () => {
    const { key, note, record, readTile } = log(300);
    const head = openTreeHead(note, key);
    await expect(checkRecord(record(7).replace("h1:x", "h1:y"), 7, head, readTile)).rejects.toThrow("not in the signed tree");
    await expect(checkRecord(record(7), 8, head, readTile)).rejects.toThrow("not in the signed tree");
    await expect(checkRecord(record(7), 300, head, readTile)).rejects.toThrow("not in the signed tree");
  });

  it("is not believed under another's key, nor with a changed head", () => {
    const { key, note } = log(5);
    expect(() => openTreeHead(note, log(5).key)).toThrow("has not signed");
    expect(() => openTreeHead(note.replace("\n5\n", "\n6\n"), key)).toThrow("has not signed");
  });
});

/** Stands for the go command: it finds one main package, whose program says hello, unless the app wants it to fail. */
const GO = `#!/bin/bash
case $1 in
  test) [[ " $* " == *" -exec true "* ]] && echo compiled >"$GOCACHE/ab/now-d" || echo "testing in $GOROOT with $(cd "$GOCACHE" && echo */*)" ;;
  list) [[ ! " $* " == *" -deps "* ]] || { [[ ! -f go.sum ]] || echo "$GOMODCACHE/example.com/used@v1"; exit 0; }; [[ -f main.go ]] && echo example.com/hello || true ;;
  install)
    if [[ -f words ]]; then cat words >&2; exit 1; fi
    mkdir -p "$GOCACHE/ab"
    [[ ! -f go.sum ]] || mkdir -p "$GOMODCACHE/cache/download" "$GOMODCACHE/example.com/"{used,unused}@v1
    echo "runtime/debug"; echo "example.com/hello $*"; mkdir -p "$GOBIN"; printf '#!/bin/sh\\necho "hello from $GOMEMLIMIT"\\n' >"$GOBIN/hello"; chmod +x "$GOBIN/hello" ;;
esac
`;
const toolchain = (version: string): Tree => {
  const name = `golang.org/toolchain@v0.0.1-go${version}.linux-${process.arch === "x64" ? "amd64" : process.arch}`;
  return { [`proxy/golang.org/toolchain/@v/${name.split("@")[1]}.zip`]: zip({ [`${name}/bin/go`]: GO, [`${name}/pkg/tool/none`]: "" }) };
};
const list = (...versions: string[]): Tree => ({ "proxy/golang.org/toolchain/@v/list": versions.map((version) => `v0.0.1-go${version}.linux-${process.arch === "x64" ? "amd64" : process.arch}\n`).join("") });
const app = (go: string): Tree => ({ "go.mod": `module example.com/hello\n\n${go}\n`, "main.go": "package main\n" });
const OFFLINE = { GOPROXY: "file:///app/proxy", GOSUMDB: "off" };

describe("a Go app", () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench();
  });
  afterAll(() => bench.close());

  it("is built by the newest patch of the Go that it asks for, without a proxy the second time, and its program serves", async () => {
    const source = { ...app("go 1.26"), ...list("1.26.2", "1.26.11", "1.25.1", "1.27.0"), ...toolchain("1.26.11") };
    const first = await bench.build(source, { cache: "go", config: { ...OFFLINE, GO_LINKER_SYMBOL: "main.version" } });
    expect(first.output).toBe(`-----> Building on the Debian-12 stack
-----> Determining which buildpack to use for this app
-----> Go app detected
       Detected Go modules via go.mod
       Detected Module Name: example.com/hello
-----> Installing Go
       Resolving Go version... 1.26.11 (the newest of Go 1.26: the go line of go.mod)
       Downloading and installing Go 1.26.11...
-----> Determining packages to install
       Packages to install (the main packages):
         example.com/hello
-----> Running: go install -v -tags heroku -ldflags -X main.version=0123456789abcdef example.com/hello
       example.com/hello install -v -tags heroku -ldflags -X main.version=0123456789abcdef example.com/hello
-----> Installed the following binaries
       ./bin/hello
-----> Discovering process types
       Procfile declares types     -> (none)
       Default types for buildpack -> web
`);
    const second = await bench.build(app("go 1.26"), { cache: "go", config: OFFLINE, keep: true });
    expect(second.output).toContain("Using Go 1.26.11 (cached)");
    const dyno = await bench.start(second.image, "bin/hello");
    await dyno.says(/hello from 921MiB/);
  });

  it("is tested in a container without its cache, under the paths of its build, with the modules that it uses and with what was compiled for it alone", async () => {
    const source = { ...app("go 1.26.11"), ...toolchain("1.26.11"), "go.sum": "" };
    await bench.build({ ...source, "bin/go-post-compile": 'echo old >"$GOCACHE/ab/old-d"; touch -d "3 days ago" "$GOCACHE/ab/old-d"\n' }, { cache: "go-tests", config: OFFLINE });
    const built = await bench.build(source, { cache: "go-tests", config: OFFLINE, env: { PAAS_BUILD_FOR: "test" }, keep: true });
    expect(built.code, built.output).toBe(0);
    expect(Object.keys(await built.tree()).filter((path) => /modules\/example/.test(path)).map((path) => path.replace(/^.*modules\//, ""))).toEqual(["example.com", "example.com/used@v1"]);
    expect(await bench.runTests(built.image)).toEqual({ code: 0, output: "-----> Running tests\ntesting in /app/.heroku/go/toolchain with ab/now-d\n" });
    const { "go.sum": _, ...without } = source;
    const alone = await bench.build(without, { config: OFFLINE, env: { PAAS_BUILD_FOR: "test" } });
    expect(alone.code, alone.output).toBe(0);
    const served = await bench.build(source, { cache: "go-tests", config: OFFLINE });
    expect(Object.keys(await served.tree()).filter((path) => path.includes(".heroku/go"))).toEqual([]);
  });

  it("is told what is wrong before anything is compiled", async () => {
    const known = list("1.26.11", "1.27.4");
    const outputs = await Promise.all([
      bench.build({ ...app("go 1.28"), ...known }, { config: OFFLINE }),
      bench.build(app("go 1.26"), { config: { GOPROXY: "off" } }),
    ]);
    expect(outputs.map(({ code, output }) => [code, ...output.split("\n").filter((line) => line.startsWith(" !     "))])).toEqual([
      [1, ` !     There is no Go 1.28 for linux-${process.arch === "x64" ? "amd64" : process.arch} on the Go module proxy.`, " !     The newest that exist: 1.27.4, 1.26.11.", " !     Write `go 1.27.4` into go.mod (`go mod edit -go=1.27.4`), commit and push again.", " !     Push rejected, failed to compile Go app."],
      [1, " !     Go 1.26 cannot be fetched: the Go module proxy is out of reach.", " !     Check that this machine can reach it, then push again; another one is named by the config var GOPROXY.", " !     Push rejected, failed to compile Go app."],
    ]);
  });

  it("is told what the go command's words mean", async () => {
    const source = { ...app("go 1.26.11"), ...toolchain("1.26.11") };
    const { "main.go": _, ...without } = source;
    const [failed, none] = await Promise.all([
      bench.build({ ...source, words: "./main.go:3:14: undefined: foo\n" }, { config: OFFLINE }),
      bench.build(without, { config: OFFLINE }),
    ]);
    expect(failed.output).toContain("       ./main.go:3:14: undefined: foo\n\n !     main.go does not compile: line 3, undefined: foo.\n");
    expect(none.output).toContain(" !     There is no program in this repository: no package is named main.\n");
  });

  it("is not built by a toolchain that nobody vouches for", async () => {
    const { code, output } = await bench.build({ ...app("go 1.26.11"), ...toolchain("1.26.11") }, { config: { GOPROXY: OFFLINE.GOPROXY, GOSUMDB: `${log(1).key} file:///app/nothing` } });
    expect([code, output]).toEqual([1, expect.stringContaining("could not be checked: the checksum database sums.example is without an answer.")]);
  });
});
