import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

export type SourceFile = {
  /** From the project's root, such as `server/app.ts`. */
  path: string;
  text: string;
  /** The text without its comments. */
  code: string;
  /** What it imports: files of the project by path, packages by name, Node's own as `node:…`. */
  imports: string[];
};

/** Every TypeScript and JavaScript file below the folders given. */
export function sourceFiles(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|mjs|js)$/.test(name) && !name.includes("node_modules"))
      .map((name) => parse(posix.join(folder, name))));
}

function parse(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), "utf8");
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const named = code.matchAll(/(?:^import|^export|^\})[^;"]*?\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm);
  const imports = [...named].map((match) => resolveImport(path, match[1] ?? match[2] ?? match[3] ?? ""));
  return { path, text, code, imports: [...new Set(imports)] };
}

function resolveImport(from: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
  if (specifier.startsWith("node:")) return specifier;
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
