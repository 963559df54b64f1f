import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => void (bench = await openWorkbench()));
afterAll(() => bench.close());

const PAGE = "<h1>here</h1>";

describe("detection", () => {
  it("takes Node.js before static files before a Procfile", async () => {
    const everything = { "package.json": "{}", "index.html": PAGE, Procfile: "worker: sleep 1\n" };
    const { "package.json": _, ...noPackage } = everything;
    const [node, page, procfile] = await Promise.all([bench.build(everything), bench.build(noPackage), bench.build({ Procfile: everything.Procfile })]);
    expect([node.out["buildpack"], page.out["buildpack"], procfile.out["buildpack"]]).toEqual(["Node.js\n", "Static HTML\n", "Procfile\n"]);
  });

  it("leaves a page beside a Procfile with a web process to that process", async () => {
    const built = await bench.build({ "index.html": PAGE, Procfile: "web: ./serve\n" });
    expect(built.out["buildpack"]).toBe("Procfile\n");
  });

  it("refuses with 66 and Heroku's words what no buildpack recognises, and shows what it saw", async () => {
    const built = await bench.build({ "README.md": "# nothing", "src/main.rs": "" });
    expect(built.code).toBe(66);
    expect(built.output).toContain(" !     No default language could be detected for this app.");
    expect(built.output).toContain("README.md\n         src/\n");
  });

  it("refuses an empty tree in the same way", async () => {
    expect((await bench.build({})).code).toBe(66);
  });

  it("uses the buildpacks that are named, in their order, each finding what the one before exported", async () => {
    const tree = { "package.json": '{"scripts": {"build": "mkdir dist && echo built > dist/index.html"}}', "static.json": '{"root": "dist"}' };
    const built = await bench.build(tree, { env: { PAAS_BUILDPACKS: "nodejs static" } });
    expect(built.output).toMatch(/Using buildpacks:\n {7}1\. nodejs\n {7}2\. static\n-----> Node.js app detected\n[^]*-----> Static HTML app detected\n {7}Serving 1 file from dist/);
    expect(built.out["buildpack"]).toBe("Static HTML\n");
    expect(built.out["release.yml"]).toContain("web: bin/boot");
  });

  it("names a forced buildpack that does not exist, or does not fit", async () => {
    const [unknown, unfit] = await Promise.all([
      bench.build({ Procfile: "web: true" }, { env: { PAAS_BUILDPACKS: "../../bin" } }),
      bench.build({ Procfile: "web: true" }, { env: { PAAS_BUILDPACKS: "nodejs" } }),
    ]);
    expect(unknown).toMatchObject({ code: 1, output: expect.stringContaining(" !     There is no buildpack named ../../bin.") });
    expect(unfit).toMatchObject({ code: 1, output: expect.stringContaining(" !     App not compatible with buildpack: nodejs") });
  });
});

describe(".slugignore", () => {
  const tree = {
    Procfile: "web: ./serve\n", "a.psd": "", "docs/a.md": "", "docs/deep/b.psd": "", "lib/docs/c.md": "", "lib/spec": "", "spec/x": "", "-rf": "", "logs/one.log": "", "logs/deep/two.log": "", ".env.local": "", "keep me.txt": "", "line\nbreak.psd": "",
  };

  it("leaves out what it names before any buildpack runs, and says how much", async () => {
    const built = await bench.build({ ...tree, ".slugignore": "# notes\n\n*.psd\r\n/docs\nspec/\nlogs/*.log  \n-rf\n.env*\n/nothing\n" });
    expect(built.output).toContain("-----> Building on the Debian-12 stack\n-----> Deleting 8 files matching .slugignore patterns.\n-----> Determining");
    expect(Object.keys(await built.tree()).sort()).toEqual(["", ".slugignore", "Procfile", "keep me.txt", "lib", "lib/docs", "lib/docs/c.md", "lib/spec", "logs", "logs/deep", "logs/deep/two.log"]);
  });

  it("passes over what it cannot mean, with a word, and follows no link out of the app", async () => {
    const built = await bench.build({ ...tree, out: { link: "/opt/paas" }, ".slugignore": "!docs\n../cache\n**/out/**/x\ndocs/**/*.psd" });
    expect(built.output).toContain(' !     .slugignore: "!docs" is passed over');
    expect(built.output).toContain(' !     .slugignore: "../cache" is passed over');
    expect(built.output).toContain("Deleting 1 files");
    expect(built.code).toBe(0);
    expect(Object.keys(await built.tree())).toContain("docs/a.md");
  });

  it("may hide from detection, and does not hold for tests", async () => {
    const app = { Procfile: "web: ./serve\n", "package.json": "{}", ".slugignore": "package.json\n" };
    const [release, tests] = await Promise.all([bench.build(app), bench.build(app, { env: { PAAS_BUILD_FOR: "test" } })]);
    expect([release.out["buildpack"], tests.out["buildpack"]]).toEqual(["Procfile\n", "Node.js\n"]);
  });
});

describe("what the source only points at", () => {
  const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 12345\n`;
  const app = { Procfile: "web: ./serve\n" };
  const modules = { ...app, ".gitmodules": '[submodule "theme"]\n\tpath = themes/one\n\turl = https://example.com/one.git\n[submodule "full"]\n\tpath = full\n', "full/file": "", "themes/one/": "" };
  const lfs = { ...app, ".gitattributes": "*.png filter=lfs diff=lfs merge=lfs -text\n", "img/logo.png": POINTER, "img/real.png": "PNG", "docs/spec.md": `About:\n${"x".repeat(2000)}\n${POINTER}` };

  it("is refused by name, with the way out: submodules", async () => {
    const built = await bench.build(modules);
    expect(built).toMatchObject({ code: 1, output: expect.stringContaining(" !     Submodules are not fetched, and these folders are empty: themes/one.\n !     Put their files into the repository:") });
  });

  it("is refused by name, with the way out: Git LFS", async () => {
    const built = await bench.build(lfs);
    expect(built).toMatchObject({ code: 1, output: expect.stringContaining(" !     Git LFS keeps the content of these files elsewhere, and it was not pushed: img/logo.png.\n") });
  });

  it("is taken where .slugignore says that the app runs without it, or where a buildpack of the app's own may fetch it", async () => {
    const fetcher = { "fetch/bin/detect": { program: "#!/bin/sh\necho Fetcher\n" }, "fetch/bin/compile": { program: "#!/bin/sh\nls themes/one img\n" } };
    const built = await Promise.all([
      bench.build({ ...modules, ".slugignore": "/themes\n" }),
      bench.build({ ...lfs, ".slugignore": "*.png\n" }),
      bench.build({ ...modules, ...lfs, ...fetcher }, { env: { PAAS_BUILDPACKS: "./fetch procfile" } }),
    ]);
    expect(built.map(({ code }) => code)).toEqual([0, 0, 0]);
  });
});

describe("a build", () => {
  it("knows the time of its source, from which reproducible archives take theirs", async () => {
    const compile = { program: "#!/bin/sh\necho \"source of $SOURCE_DATE_EPOCH\"\nls --time-style=+%s -l Procfile | cut -d' ' -f 6\n" };
    const { output } = await bench.build({ Procfile: "web: ./serve\n", "own/bin/compile": compile }, { env: { PAAS_BUILDPACKS: "./own" } });
    const [, told, real] = /source of (\d+)\n(\d+)\n/.exec(output) ?? [];
    expect(Number(told)).toBeGreaterThan(1_600_000_000);
    expect(told).toBe(real);
  });

  it("prints what Heroku prints", async () => {
    const { output } = await bench.build({ Procfile: "web: ./serve\nworker: ./work --fast\n" });
    expect(output).toBe(`-----> Building on the Debian-12 stack
-----> Determining which buildpack to use for this app
-----> Procfile app detected
       Nothing to build: the Procfile says how to start it
-----> Discovering process types
       Procfile declares types -> web, worker
`);
  });

  it("tells the Procfile's process types from those that the buildpack adds", async () => {
    const { output } = await bench.build({ "index.html": PAGE, Procfile: "worker: ./work\n" });
    expect(output).toContain("       Procfile declares types     -> worker\n       Default types for buildpack -> web\n");
  });

  it("hands config vars to the buildpack and leaves none of them in the slug", async () => {
    const tree = { "package.json": JSON.stringify({ scripts: { build: "node -e \"console.log('two lines:', JSON.stringify(process.env.GREETING), process.env.SOURCE_VERSION, process.env.PATH.includes('/evil'))\"" } }) };
    const built = await bench.build(tree, { config: { GREETING: "a 'quoted'\nvalue $(id)", PATH: "/evil" } });
    expect(built.output).toContain(`two lines: "a 'quoted'\\nvalue $(id)" 0123456789abcdef false`);
    expect(built.changed.filter((path) => !/^\/(app|cache|opt|opt\/paas|opt\/paas\/out|usr|usr\/sbin|usr\/sbin\/docker-init)(\/|$)/.test(path))).toEqual([]);
  });

  it("changes nothing outside the app, the cache and its result, whatever a script leaves behind", async () => {
    const script = "echo x > /tmp/left; mkdir -p /var/tmp/left/deep; echo x > /dev/shm/left; touch /opt/paas/bin/x /etc/x 2>/dev/null || true";
    const built = await bench.build({ "package.json": JSON.stringify({ scripts: { build: script } }) });
    expect(built.code).toBe(0);
    expect(built.changed.filter((path) => /^\/(tmp|var|etc|opt\/paas\/bin|root|home)/.test(path))).toEqual([]);
  });

  it("ends with 1 and Heroku's words when the buildpack fails, and leaves no result", async () => {
    const built = await bench.build({ "package.json": '{"scripts": {"build": "echo half; exit 3"}}' });
    expect(built.code).toBe(1);
    expect(built.output).toContain("\n !     Push rejected, failed to compile Node.js app.\n");
    expect(built.out["buildpack"]).toBeUndefined();
  });

  it("measures its stages", async () => {
    const built = await bench.build({ Procfile: "web: true\n" });
    expect(built.out["timings"]).toMatch(/^unpack \d+\ndetect \d+\ncompile.procfile \d+\nrelease \d+\nchecksum \d+\ncompare \d+\n$/);
  });
});

describe("a hostile tree", () => {
  const SECRET = "root:x:0:0";

  it("never shows what package.json or a Procfile links to", async () => {
    const [node, procfile] = await Promise.all([bench.build({ "package.json": { link: "/etc/passwd" } }), bench.build({ Procfile: { link: "/etc/passwd" } })]);
    for (const built of [node, procfile]) expect(built.output + Object.values(built.out).join()).not.toContain(SECRET);
    expect(node).toMatchObject({ code: 1, output: expect.stringContaining(" !     package.json is not a regular file.") });
  });

  it("publishes no file of the dyno through a link", async () => {
    const built = await bench.build({ "index.html": PAGE, "assets/secret": { link: "../../etc/passwd" } });
    expect(built).toMatchObject({ code: 1, output: expect.stringContaining("assets/secret is a link out of the site") });
  });

  it("cannot leave its folder by the names in the archive", async () => {
    const built = await bench.build({ Procfile: "web: true\n", "../escaped": "x", "/tmp/absolute": "x", "a/../../escaped2": "x", link: { link: "/opt/paas/out" }, "link/release.yml": "default_process_types: {web: evil}" });
    expect(built.changed.filter((path) => path.includes("escaped") || path.includes("absolute"))).not.toContain("/escaped");
    expect(built.out["release.yml"] ?? "").not.toContain("evil");
  });

  it("prints the names of its files without their control characters", async () => {
    const built = await bench.build({ "\u001b[2Jclear": "", "a\nb": "" });
    expect(built.code).toBe(66);
    expect(built.output).not.toContain("\u001b");
  });
});
