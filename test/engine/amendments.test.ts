import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LABEL } from "../../server/engine/naming.ts";
import { createStopwatch } from "../../server/pipeline/stopwatch.ts";
import { docker, install, type Installation } from "./workshop.ts";

let ours: Installation;
beforeAll(async () => void (ours = await install()));
afterAll(() => ours.clear());

type Slug = { image: string; checksum: string; layerBytes: number; on: string; base: string };

/**
 * Builds an app whose own buildpack, which declares nothing, runs that script in the app's folder.
 * @param binTest builds for tests, which it runs
 */
async function build(appId: string, script: string, last?: Slug, binTest?: string): Promise<Slug> {
  const source = (): Readable => {
    const archive = pack();
    archive.entry({ name: "Procfile" }, "web: true\n");
    archive.entry({ name: "pack/bin/compile", mode: 0o755 }, `#!/bin/bash\nset -e\ncd "$1"\n${script}\n`);
    if (binTest !== undefined) archive.entry({ name: "pack/bin/test", mode: 0o755 }, `#!/bin/bash\n${binTest}\n`);
    archive.finalize();
    return archive as unknown as Readable;
  };
  let output = "";
  const spec = { appId, buildId: randomUUID(), commit: "0".repeat(40), stack: "debian-12", config: {}, source, buildpacks: [{ name: "./pack" }], lastBuildpacks: [], lastImage: last?.image, memoryMb: 512, ...(binTest === undefined ? {} : { purpose: "test" as const }) };
  const { exit, image, checksum = "" } = await ours.engine.build(spec, { write: (text) => void (output += text) }, 60_000, createStopwatch());
  if (image === undefined) throw new Error(`exit ${exit.code}: ${output}`);
  const { Parent, Config } = await docker.getImage(image).inspect();
  const [layer] = (await docker.getImage(image).history()) as { Size: number }[];
  return { image, checksum, layerBytes: layer?.Size ?? 0, on: Parent, base: Config.Labels?.[LABEL.base] ?? "" };
}

/** All that dynos of it find in the app: kind, mode, target, name and content. */
const contents = ({ image }: Slug): Promise<string> =>
  ours.output("cd /app && find . ! -path ./pack/bin/compile -printf '%y %m %l %P\\n' | LC_ALL=C sort && find . -type f ! -path ./pack/bin/compile -print0 | LC_ALL=C sort -z | xargs -0 sha256sum", { image });

const LARGE = (fill: string): string => `mkdir -p tool/lib; yes ${fill} | head -c 17000000 >tool/lib/large; echo small >tool/small; touch -d @1700000000 tool/small`;

test("a buildpack that knows of no layers makes everything anew, and only what differs from the last slug becomes a layer", async () => {
  const appId = randomUUID();
  const odd = "printf odd >$'new\\nline'; printf odd >$'\\xff'; printf odd >'-rf'; printf odd >'a b'; printf odd >'*'; mkdir -p .hid/den; printf odd >.hid/den/.file";
  const first = await build(appId, `${LARGE("x")}; ${odd}; mkdir -p gone/deep was-folder empty; echo x >gone/deep/file; echo x >was-folder/file; echo x >was-file; ln -s /etc was-link; echo x >mode; echo x >$'gone\\xfe'; ln -s one link; echo one >twin; ln twin twin-2`);
  expect(first).toMatchObject({ base: "contents" });
  expect(first.layerBytes).toBeGreaterThan(17e6);

  const now = `${LARGE("x")}; ${odd}; mkdir -p was-file/in was-link/in empty new; echo y >was-file/in/file; echo y >was-folder; echo y >was-link/in/file; echo x >mode; chmod 600 mode; chmod 700 empty; ln -s two link; echo two >twin; ln twin twin-2; echo y >new/$'f\\xfd'; mkdir sealed; echo y >sealed/file; chmod 555 sealed`;
  const second = await build(appId, now, first);
  expect(second).toMatchObject({ base: "amends", on: first.image });
  expect(second.layerBytes).toBeLessThan(100_000);
  const clean = await build(randomUUID(), now);
  expect(second.checksum).toBe(clean.checksum);
  expect(await contents(second)).toBe(await contents(clean));

  // The one after it stands on the same slug: layers do not pile up.
  const third = await build(appId, `${LARGE("x")}; echo third >third`, second);
  expect(third).toMatchObject({ base: "amends", on: first.image });
  expect(await contents(third)).toMatch(/^[^]*third\n/);
  expect(await contents(third)).not.toMatch(/twin|sealed|was-/);
});

test("a build for tests becomes a layer on that for the run before it, with the tests of its own buildpack", async () => {
  const appId = randomUUID();
  const run = async ({ image }: Slug): Promise<string> => {
    let printed = "";
    await ours.engine.runTests({ runId: randomUUID(), appId, image, env: {}, memoryMb: 256 }, { write: (text) => void (printed += text) }, 60_000);
    return printed;
  };
  const first = await build(appId, `${LARGE("x")}; echo first >text`, undefined, 'echo "one: $(cat text)"');
  const second = await build(appId, `${LARGE("x")}; echo second >text`, first, 'echo "two: $(cat text) $(ls tool)"');
  expect(second).toMatchObject({ base: "amends", on: first.image });
  expect(second.layerBytes).toBeLessThan(100_000);
  expect([await run(first), await run(second)]).toEqual(["-----> Running tests\none: first\n", "-----> Running tests\ntwo: second lib\nsmall\n"]);
});

test("a small file that has another time is written anew, for interpreters keep compiled files under it; one of a node_modules folder is not", async () => {
  const appId = randomUUID();
  const script = (time: number): string => `${LARGE("x")}; mkdir -p node_modules/a; echo same | tee module.py >node_modules/a/index.js; touch -d @${time} module.py node_modules/a/index.js`;
  const first = await build(appId, script(1_600_000_000));
  const second = await build(appId, script(1_650_000_000), first);
  expect(second.base).toBe("amends");
  expect(await ours.output("stat -c '%n %Y' module.py node_modules/a/index.js tool/small", { image: second.image })).toBe("module.py 1650000000\nnode_modules/a/index.js 1600000000\ntool/small 1700000000\n");
});

test("an app that has outgrown its slug below gets all of it in a layer, and the next one stands on its own", async () => {
  const appId = randomUUID();
  const first = await build(appId, LARGE("x"));
  const second = await build(appId, LARGE("other"), first);
  expect(second).toMatchObject({ base: "contents", on: first.on });
  expect(await ours.output("head -c 5 tool/lib/large; ls tool", { image: second.image })).toBe("otherlib\nsmall\n");
  const third = await build(appId, LARGE("other"), second);
  expect(third).toMatchObject({ base: "amends", on: second.image });
});

test("where the differences cannot be made on the slug below, all of the app becomes the layer", async () => {
  const appId = randomUUID();
  const script = (text: string): string => `${LARGE("x")}; mkdir sealed; echo ${text} >sealed/file; chmod 555 sealed`;
  const first = await build(appId, script("one"));
  const second = await build(appId, script("two"), first);
  expect(second.layerBytes).toBeGreaterThan(17e6);
  expect(await ours.output("cat sealed/file; stat -c %a sealed", { image: second.image })).toBe("two\n555\n");
});

test("a small app, and one that holds what its own user may not read, have all of it in each layer", async () => {
  for (const script of ["echo small >file", `${LARGE("x")}; echo secret >unreadable; chmod 0 unreadable`]) {
    const appId = randomUUID();
    const first = await build(appId, script);
    expect(first.base).toBe("");
    const second = await build(appId, script, first);
    expect(second).toMatchObject({ base: "", on: first.on });
  }
});
