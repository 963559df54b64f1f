import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorkbench, type Tree, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => void (bench = await openWorkbench("10.213.250.128/27")));
afterAll(() => bench.close());

/** One dependency to run with and one to build with; the build needs the latter, the slug must not have it. */
const PACKAGE = {
  name: "pm",
  version: "1.0.0",
  scripts: { build: `node -p "require('ms')('1s') + ' in the build'"`, start: `node -p "'number: ' + require('is-number')(5)"` },
  dependencies: { "is-number": "7.0.0" },
  devDependencies: { ms: "2.1.3" },
};
const IS_NUMBER = "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==";
const MS = "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==";

const YARN_LOCK = `# yarn lockfile v1


is-number@7.0.0:
  version "7.0.0"
  integrity ${IS_NUMBER}

ms@2.1.3:
  version "2.1.3"
  integrity ${MS}
`;
const BERRY_LOCK = `__metadata:
  version: 8
  cacheKey: 10c0

"is-number@npm:7.0.0":
  version: 7.0.0
  resolution: "is-number@npm:7.0.0"
  checksum: 10c0/b4686d0d3053146095ccd45346461bc8e53b80aeb7671cc52a4de02dbbf7dc0d1d2a986e2fe4ae206984b4d34ef37e8b795ebc4f4295c978373e6575e295d811
  languageName: node
  linkType: hard

"ms@npm:2.1.3":
  version: 2.1.3
  resolution: "ms@npm:2.1.3"
  checksum: 10c0/d924b57e7312b3b63ad21fc5b3dc0af5e78d61a1fc7cfb5457edaf26326bf62be5307cc87ffb6862ef1c2b33b0233cdb5d4f01c4c958cc0d660948b65a287a48
  languageName: node
  linkType: hard

"pm@workspace:.":
  version: 0.0.0-use.local
  resolution: "pm@workspace:."
  dependencies:
    is-number: "npm:7.0.0"
    ms: "npm:2.1.3"
  languageName: unknown
  linkType: soft
`;
const PNPM_LOCK = `lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

importers:

  .:
    dependencies:
      is-number:
        specifier: 7.0.0
        version: 7.0.0
    devDependencies:
      ms:
        specifier: 2.1.3
        version: 2.1.3

packages:

  is-number@7.0.0:
    resolution: {integrity: ${IS_NUMBER}}
    engines: {node: '>=0.12.0'}

  ms@2.1.3:
    resolution: {integrity: ${MS}}

snapshots:

  is-number@7.0.0: {}

  ms@2.1.3: {}
`;

type Case = { name: string; command: string; field: object; lock: Tree; installs: RegExp };
const CASES: Case[] = [
  { name: "Yarn 1, by its lock file alone", command: "yarn start", field: {}, lock: { "yarn.lock": YARN_LOCK }, installs: /Downloading and installing yarn \(1\.22\.x\)\.\.\.\n {7}Installed yarn 1\.22\.\d+/ },
  { name: "Yarn 4, by packageManager", command: "yarn start", field: { packageManager: "yarn@4.9.2" }, lock: { "yarn.lock": BERRY_LOCK, ".yarnrc.yml": "nodeLinker: node-modules\n" }, installs: /Installed yarn 4\.9\.2/ },
  { name: "pnpm, by engines", command: "pnpm start", field: { engines: { pnpm: "10.x" } }, lock: { "pnpm-lock.yaml": PNPM_LOCK }, installs: /Installed pnpm 10\.\d+\.\d+/ },
];

describe.each(CASES)("$name", ({ name, command, field, lock, installs }) => {
  const app: Tree = { ...lock, "package.json": JSON.stringify({ ...PACKAGE, ...field }) };

  it("installs by the lock file, builds with devDependencies, leaves them out, and installs nothing the second time", { timeout: 120_000 }, async () => {
    const first = await bench.build(app, { cache: name.replaceAll(/\W/g, "") });
    expect(first.output).toMatch(installs);
    expect(first.output).toContain("\n       1000 in the build\n");
    expect(first.output).toContain("-----> Build succeeded!");
    const second = await bench.build({ ...app, "new.txt": "" }, { cache: name.replaceAll(/\W/g, ""), keep: true });
    expect(second.output).toMatch(/\(cached\)[^]*is unchanged: using the dependencies of the last build[^]*1000 in the build/);

    const dyno = await bench.start(second.image, `${command}; npm start; node -p "require('ms')" 2>&1 | grep -o 'Cannot find module .ms.' | head -n 1`);
    await dyno.ended();
    expect(dyno.output().match(/number: true/g)).toHaveLength(2);
    expect(dyno.output()).toContain("Cannot find module 'ms'");
  });

  it("refuses a lock file that does not match package.json", { timeout: 60_000 }, async () => {
    const other = { ...PACKAGE, ...field, dependencies: { ...PACKAGE.dependencies, "is-odd": "3.0.1" } };
    const built = await bench.build({ ...app, "package.json": JSON.stringify(other) }, { cache: name.replaceAll(/\W/g, "") });
    expect(built.code).toBe(1);
    expect(built.output).toContain(` !     ${Object.keys(lock)[0]} does not match package.json.`);
  });
});

describe("package managers", () => {
  it("Yarn 4 with Plug'n'Play finds its packages in the dyno", { timeout: 120_000 }, async () => {
    const built = await bench.build({ "yarn.lock": BERRY_LOCK, "package.json": JSON.stringify({ ...PACKAGE, packageManager: "yarn@4.9.2" }) }, { cache: "Yarn4bypackageManager", keep: true });
    expect(built.output).toContain("1000 in the build");
    const dyno = await bench.start(built.image, "yarn start");
    await dyno.ended();
    expect(dyno.output()).toContain("number: true");
  });

  it("a version that does not exist is refused by its field", { timeout: 60_000 }, async () => {
    const [npm, pnpm] = await Promise.all([
      bench.build({ "package.json": JSON.stringify({ engines: { npm: "99.x" } }) }),
      bench.build({ "package.json": JSON.stringify({ packageManager: "pnpm@99.0.0" }) }),
    ]);
    expect(npm.output).toContain(' !     Unable to install npm 99.x ("engines.npm" in package.json): no published version of npm satisfies it.');
    expect(pnpm.output).toContain(' !     Unable to install pnpm 99.0.0 ("packageManager" in package.json): no published version of pnpm satisfies it.');
  });

  it("npm in another version is used in the build and by dynos", { timeout: 60_000 }, async () => {
    const built = await bench.build({ "package.json": JSON.stringify({ engines: { npm: "10.x" }, scripts: { build: "npm -v" } }) }, { keep: true });
    expect(built.output).toMatch(/Installed npm 10\.\d+\.\d+\n[^]*> npm -v\n {7}\n {7}10\./);
    const dyno = await bench.start(built.image, "npm -v");
    await dyno.ended();
    expect(dyno.output()).toMatch(/^10\./);
  });
});
