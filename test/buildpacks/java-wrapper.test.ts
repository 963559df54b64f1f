import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { contentKey } from "../../buildpacks/java/lib/tests.ts";
import { fetchDistribution, type Distribution } from "../../buildpacks/java/lib/wrapper.ts";

const folders: string[] = [];
let buildDir: string;
let cacheDir: string;

/** Stands for mvnw: it has what it downloads from a folder, and notes that it did. */
const SCRIPT = `#!/bin/sh
name=$(sed -n 's/^distributionUrl=.*\\///p' wrapper.properties)
[ -f "published/$name" ] || { echo "no $name there"; echo "	at java.base/java.net" >&2; exit 1; }
mkdir -p "$MAVEN_USER_HOME/wrapper/dists/$name"
echo "$name" >>fetched
`;

const write = (name: string, content: string): void => {
  mkdirSync(dirname(join(buildDir, name)), { recursive: true });
  writeFileSync(join(buildDir, name), content);
};
const ask = (name: string): void => write("wrapper.properties", `distributionUrl=https\\://repo.example/${name}\n`);
const dists = (): string => join(cacheDir, "wrapper/dists");
const fetchNamed = (): Promise<Distribution> =>
  fetchDistribution({ buildDir, cacheDir, forTests: false, env: { ...process.env, MAVEN_USER_HOME: cacheDir } }, { tool: "Maven", script: "mvnw", properties: "wrapper.properties", dists: dists() });

beforeEach(() => {
  [buildDir, cacheDir] = [mkdtempSync(join(tmpdir(), "app-")), mkdtempSync(join(tmpdir(), "cache-"))];
  folders.push(buildDir, cacheDir);
  write("mvnw", SCRIPT);
});
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

describe("what a wrapper downloads", () => {
  it("is fetched once, anew when its address changes, and what it was before goes", async () => {
    write("published/maven-1.zip", "");
    write("published/maven-2.zip", "");
    ask("maven-1.zip");
    expect(await fetchNamed()).toMatchObject({ isThere: true, url: "https://repo.example/maven-1.zip" });
    expect((await fetchNamed()).isThere).toBe(true);
    ask("maven-2.zip");
    expect((await fetchNamed()).isThere).toBe(true);
    expect(readFileSync(join(buildDir, "fetched"), "utf8")).toBe("maven-1.zip\nmaven-2.zip\n");
    expect(readdirSync(dists())).toEqual(["maven-2.zip"]);
    expect(statSync(join(buildDir, "mvnw")).mode & 0o111).toBe(0o111);
  });

  it("is told to be out of reach, though another one is in the cache, and tried again by the next build", async () => {
    write("published/maven-1.zip", "");
    ask("maven-1.zip");
    await fetchNamed();
    ask("maven-2.zip");
    expect(await fetchNamed()).toMatchObject({ isThere: false, url: "https://repo.example/maven-2.zip", said: expect.stringContaining("no maven-2.zip there") });
    expect(existsSync(dists())).toBe(false);
    write("published/maven-2.zip", "");
    expect((await fetchNamed()).isThere).toBe(true);
  });

  it.each([
    ["names nothing", () => write("wrapper.properties", "wrapperVersion=3.3.4\n"), "wrapper.properties names no distributionUrl."],
    ["is a script of Windows", () => (ask("maven-1.zip"), write("mvnw", SCRIPT.replaceAll("\n", "\r\n"))), "mvnw has the line ends of Windows: no shell here reads it."],
  ])("is not asked for where the wrapper %s", async (_, prepare, words) => {
    prepare();
    await expect(fetchNamed()).rejects.toThrow(words);
  });
});

describe("the key of what tests need", () => {
  const key = (...beside: string[]): string => contentKey(buildDir, ["**/pom.xml", undefined], ...beside);

  it("changes with every project file and with what is asked for beside, not with what is built or with source", () => {
    write("pom.xml", "<project/>");
    write("web/pom.xml", "<project/>");
    const before = key();
    write("web/src/Main.java", "class Main {}");
    write("web/target/classes/pom.xml", "<built/>");
    write("node_modules/a/pom.xml", "<theirs/>");
    expect(key()).toBe(before);
    expect(key("-Pfast")).not.toBe(before);
    write("web/pom.xml", "<project><version>2</version></project>");
    expect(key()).not.toBe(before);
  });
});
