import { expect, test } from "vitest";
import { parseDockerignore } from "../../server/domain/dockerignore.ts";

test.each<[string, string[], string[]]>([
  ["node_modules", ["node_modules", "node_modules/a/b"], ["src/node_modules", "node_modules2"]],
  ["**/node_modules/", ["node_modules", "a/b/node_modules/c"], ["node_modules.txt"]],
  ["*.md\n!README.md", ["NOTES.md"], ["README.md", "docs/x.md"]],
  ["/docs/*.md", ["docs/a.md"], ["docs/a/b.md", "a.md"]],
  ["*\n!src", ["a", "b/c"], ["src", "src/x/y"]],
  ["te?t[0-9]", ["test1", "text9"], ["test", "testa"]],
  ["# a comment\n\n  ./a/../b  ", ["b", "b/c"], ["a"]],
  ["a.b+c(d)|e", ["a.b+c(d)|e"], ["axb+c(d)|e", "e"]],
  ["src/**/*.test.js", ["src/a.test.js", "src/x/y/a.test.js"], ["a.test.js", "src/a.js"]],
  ["[", [], ["a", "["]],
])("%j leaves out what Docker leaves out", (text, out, seen) => {
  const sees = parseDockerignore(text);
  expect(out.filter(sees)).toEqual([]);
  expect(seen.filter((path) => !sees(path))).toEqual([]);
});
