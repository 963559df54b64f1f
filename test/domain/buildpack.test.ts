import { describe, expect, test } from "vitest";
import { buildpackRef, parseBuildpack, parseBuildpacksFile, shownBuildpack } from "../../server/domain/buildpack.ts";

const OWN = ["nodejs", "static", "java"];
const parse = (given: string) => parseBuildpack(given, "buildpack", OWN);

test.each([
  "heroku/nodejs", "urn:buildpack:heroku/nodejs", "paas/nodejs", "nodejs", " Heroku/NodeJS ", "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/nodejs.tgz",
  "https://codon-buildpacks.s3.amazonaws.com/buildpacks/heroku/nodejs.tgz",
])("%j is our buildpack for Node.js", (given) => {
  expect(parse(given)).toEqual({ kind: "own", folder: "nodejs" });
});

test("what several of Heroku's buildpacks do may be one of ours, and one of Heroku's community may be ours too", () => {
  expect(["heroku/gradle", "heroku/jvm", "heroku-community/static"].map(parse)).toEqual([{ kind: "own", folder: "java" }, { kind: "own", folder: "java" }, { kind: "own", folder: "static" }]);
});

test.each([
  ["https://example.com/some/buildpack.git", { kind: "git", url: "https://example.com/some/buildpack.git", ref: undefined }],
  ["https://example.com/some/buildpack#v1.2/rc", { kind: "git", url: "https://example.com/some/buildpack", ref: "v1.2/rc" }],
  ["https://ann:secret@example.com/b.git#main", { kind: "git", url: "https://ann:secret@example.com/b.git", ref: "main" }],
  ["https://example.com/b.tgz?token=1", { kind: "archive", url: "https://example.com/b.tgz?token=1" }],
  ["https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku-community/apt.tgz", { kind: "archive", url: "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku-community/apt.tgz" }],
  ["http://2130706433/x.tar.gz", { kind: "archive", url: "http://127.0.0.1/x.tar.gz" }],
  ["./buildpack", { kind: "folder", path: "./buildpack" }],
  ["./build/pack.2", { kind: "folder", path: "./build/pack.2" }],
])("%j is read as what it is", (given, expected) => {
  expect(parse(given)).toEqual(expected);
  expect(parse(buildpackRef(parse(given)).url)).toEqual(expected);
});

// RELIABILITY (c) J15 to J18, and their relatives.
test.each([
  "file:///etc", "ssh://-oProxyCommand=x", "git://example.com/x", "ext::sh -c id", "git@github.com:a/b.git", "ftp://example.com/x.tgz", "-u https://example.com", "--upload-pack=z",
  "https://h/r.git#--upload-pack=z", "https://h/r.git#-x", "https://h/r.git#a..b", "https://h/r.git#a:b", "https://h/r.git#a%20b", "https://h/r.git#a^", "https://h/x.tgz#main",
  "./../etc", "./a/../../b", "/etc", "./", ".", "./a//b", "./a b", "heroku/nodejs\nx", "https://h/\u0000", "", "heroku/", "a/b/c", "heroku/cobol",
  `https://h/${"x".repeat(2000)}`,
])("%j is refused, with the field and what would be right", (given) => {
  expect(() => parse(given)).toThrow(expect.objectContaining({ id: "invalid_params", message: expect.stringMatching(/^buildpack: .{20}/) }));
});

describe("what everybody may see", () => {
  test.each([
    ["heroku/nodejs", "nodejs"], ["./b", "./b"], ["https://ann:secret@example.com/b.git#v1", "https://example.com/b.git#v1"], ["https://example.com/b.tgz?token=1", "https://example.com/b.tgz"],
  ])("of %j is %j", (given, shown) => expect(shownBuildpack(parse(given))).toBe(shown));
});

test("a .buildpacks file names one a line, and the line that is wrong is told", () => {
  expect(parseBuildpacksFile(Buffer.from("# first\nheroku/nodejs\r\n\n  ./own  \n"), OWN)).toEqual([{ kind: "own", folder: "nodejs" }, { kind: "folder", path: "./own" }]);
  expect(parseBuildpacksFile(Buffer.from(""), OWN)).toEqual([]);
  expect(() => parseBuildpacksFile(Buffer.from("nodejs\nfile:///etc\n"), OWN)).toThrow(/^\.buildpacks, line 2: must be/);
  expect(() => parseBuildpacksFile(Buffer.from("nodejs\n".repeat(21)), OWN)).toThrow("more than 20");
});
