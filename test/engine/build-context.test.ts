import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { extract, pack } from "tar-stream";
import { expect, test } from "vitest";
import { buildContext } from "../../server/engine/build-context.ts";

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 12345\n`;

function tree(files: Record<string, string>): Readable {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return Readable.from(tar);
}

async function filesOf(context: Readable): Promise<Record<string, string>> {
  const entries = extract();
  context.on("error", (error) => entries.destroy(error)).pipe(entries);
  const files: Record<string, string> = {};
  for await (const entry of entries) files[entry.header.name] = await text(entry as unknown as Readable);
  return files;
}

const all = (): boolean => true;

test("a file of which Git LFS has the content is refused by name, with the way out, where the build would see it", async () => {
  const files = { "logo.png": POINTER, "web/a.png": POINTER, "web/b.png": "PNG" };
  const refused = filesOf(buildContext(tree(files), "web", all, true));
  await expect(refused).rejects.toMatchObject({
    id: "invalid_params",
    message: "Git LFS keeps the content of these files elsewhere, and it was not pushed: web/a.png.\nPut the files themselves into the repository: git lfs migrate export --include='*', commit and push again.\nWhere the app runs without them, name them in web/.dockerignore.",
  });
  expect(await filesOf(buildContext(tree(files), "web", (path) => path !== "a.png", true))).toEqual({ "b.png": "PNG" });
});

test("of many, five are named", async () => {
  const many = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`${index}.png`, POINTER]));
  await expect(buffer(buildContext(tree(many), "", all, true))).rejects.toThrow("not pushed: 0.png, 1.png, 2.png, 3.png, 4.png, and 2 more.");
});

test("a text about pointers, a large file that begins like one, and the pointers of a repository that does not use Git LFS are files as any other", async () => {
  const files = { "about.md": `It looks so:\n${POINTER}`, "large": POINTER + "x".repeat(1024), "empty": "" };
  expect(await filesOf(buildContext(tree(files), "", all, true))).toEqual(files);
  expect(await filesOf(buildContext(tree({ "logo.png": POINTER }), "", all, false))).toEqual({ "logo.png": POINTER });
});
