import { expect, test } from "vitest";
import { submodulePaths } from "../../server/domain/gitmodules.ts";

test("the paths of submodules are read as git writes them", () => {
  const text = '[submodule "theme"]\n\tpath = themes/one\n\turl = https://example.com/path = x.git\n[submodule "b"]\r\n  path=b c\r\n[submodule "c"]\n\tpath = "quoted name"\n\tbranch = main\n';
  expect(submodulePaths(text)).toEqual(["themes/one", "b c", "quoted name"]);
  expect(submodulePaths("")).toEqual([]);
});

test("what a path hides is shown as what it is", () => {
  expect(submodulePaths("\tpath = a\u001b[31m\n").join()).not.toContain("\u001b");
});
