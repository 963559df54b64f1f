import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorkbench, type Tree, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => void (bench = await openWorkbench()));
afterAll(() => bench.close());

const URL = "https://example.com/greeter.git#v1";
const program = (script: string) => ({ program: `#!/bin/bash\n${script}\n` });

/** A buildpack as others write them: it exports, it leaves a profile script, it declares a process type. */
const GREETER: Tree = {
  "bin/detect": program("echo Greeter; echo more; exit 0"),
  "bin/compile": program('echo "       compiling in $(basename "$1"), cache $2, GREETING $(cat "$3/GREETING")"; mkdir -p "$1/.profile.d"; echo "export GREETED=yes" >"$1/.profile.d/greeter.sh"; echo "export TOOL=greet" >"$(dirname "$0")/../export"'),
  "bin/release": program('printf -- "---\\ndefault_process_types:\\n  web: echo $GREETED\\n"'),
};
const LAST: Tree = { "bin/detect": program("echo Last"), "bin/compile": program('echo "       TOOL is $TOOL"'), "bin/release": program('printf -- "---\\ndefault_process_types:\\n  web: echo last $GREETED\\n"') };

it("builds with somebody else's buildpack: config vars, .profile.d, default process types", async () => {
  const built = await bench.build({ "any.txt": "" }, { env: { PAAS_BUILDPACKS: URL }, archives: [GREETER], config: { GREETING: "hello" }, keep: true });
  expect(built.output).toBe(`-----> Building on the Debian-12 stack
-----> Using buildpack: ${URL}
-----> Greeter app detected
       compiling in app, cache /cache, GREETING hello
-----> Discovering process types
       Procfile declares types     -> (none)
       Default types for buildpack -> web
`);
  expect(built.out).toMatchObject({ chosen: `${URL} Greeter\n`, buildpack: "Greeter\n" });
  expect(built.changed.filter((path) => /^\/(tmp|opt\/paas\/(?!out))/.test(path))).toEqual([]);
  const dyno = await bench.start(built.image, "echo greeted: $GREETED");
  await dyno.ended();
  expect(dyno.output()).toBe("greeted: yes\n");
});

it("uses several in order, others' and ours and a folder of the app, each finding what the ones before exported; the last one declares", async () => {
  const tree: Tree = { "own/pack/bin/detect": program("echo Own"), "own/pack/bin/compile": program('echo "       TOOL is $TOOL, of the app"; echo "export TOOL=own" >"$(dirname "$0")/../export"'), Procfile: "worker: true\n" };
  const built = await bench.build(tree, { env: { PAAS_BUILDPACKS: `${URL} ./own/pack procfile https://example.com/last.tgz` }, archives: [GREETER, LAST] });
  expect(built.output).toContain("1. https://example.com/greeter.git#v1\n       2. ./own/pack\n       3. procfile\n       4. https://example.com/last.tgz\n");
  expect(built.output).toMatch(/TOOL is greet, of the app\n-----> Procfile app detected\n[^]*TOOL is own\n/);
  expect(built.out["release.yml"]).toContain("echo last");
  // What the app's own buildpack wrote beside itself is no part of the app.
  expect(built.changed.filter((path) => path.startsWith("/app/own"))).not.toContain("/app/own/pack/export");
});

it("takes more than ten archives, in their order", async () => {
  const count = 12;
  const archives = Array.from({ length: count }, (_, index): Tree => ({ "bin/compile": program(`echo "       number ${index}"`) }));
  const built = await bench.build({ Procfile: "web: true\n" }, { env: { PAAS_BUILDPACKS: archives.map((_, index) => `https://example.com/${index}`).join(" ") }, archives });
  expect([...built.output.matchAll(/number (\d+)/g)].map(([, number]) => Number(number))).toEqual(archives.map((_, index) => index));
});

it.each<[string, string, Tree[], Tree, string]>([
  ["has no bin/compile", URL, [{ "README.md": "" }], {}, `${URL} is no buildpack: it has no bin/compile.`],
  ["does not take the app", URL, [{ ...GREETER, "bin/detect": program("exit 1") }], {}, `App not compatible with buildpack: ${URL}`],
  ["fails", URL, [{ ...GREETER, "bin/compile": program("echo '       half'; exit 3") }], {}, "Push rejected, failed to compile Greeter app."],
  ["has a bin/release that fails", URL, [{ ...GREETER, "bin/release": program("exit 1") }], {}, "Push rejected, bin/release of Greeter failed."],
  ["is a folder that is not there", "./nothing", [], {}, "There is no folder ./nothing in this repository: it is set as a buildpack."],
  ["is a folder that a link leads out to", "./out", [], { out: { link: "/opt/paas/buildpacks/procfile" } }, "There is no folder ./out in this repository"],
  ["is a name that is none", "$(id)", [], {}, "There is no buildpack named \\$\\(id\\)."],
])("a build whose buildpack %s is refused and says why", async (_, buildpacks, archives, tree, reason) => {
  const built = await bench.build({ Procfile: "web: true\n", ...tree }, { env: { PAAS_BUILDPACKS: buildpacks }, archives });
  expect(built).toMatchObject({ code: 1, output: expect.stringContaining(` !     ${reason}`) });
  expect(built.out["release.yml"] ?? "").toBe("");
});

it("prints of what a buildpack calls itself one line, without control characters", async () => {
  const built = await bench.build({ Procfile: "web: true\n" }, { env: { PAAS_BUILDPACKS: URL }, archives: [{ ...GREETER, "bin/detect": program("printf 'Na\\033[2Jme\\nsecond\\n'") }] });
  expect(built.output).toContain("-----> Na[2Jme app detected\n");
});
