/** .dockerignore: what of the repository is left out of the build (docs: build/building/context). */

export const MAX_DOCKERIGNORE_BYTES = 64 * 1024;
const MAX_PATTERNS = 1000;

/** Whether the build sees a path. The last pattern that matches the path or a folder above it decides; `!` takes back in. */
export function parseDockerignore(text: string): (path: string) => boolean {
  const rules = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#")).slice(0, MAX_PATTERNS).map((line) => {
    const takesBack = line.startsWith("!");
    return { takesBack, pattern: expression(cleaned(line.slice(takesBack ? 1 : 0))) };
  });
  return (path) => {
    const above = path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
    let seen = true;
    for (const { takesBack, pattern } of rules) if (seen !== takesBack && above.some((folder) => pattern.test(folder))) seen = takesBack;
    return seen;
  };
}

/** As Go's filepath.Clean, at the top of the repository. */
function cleaned(pattern: string): string {
  const parts: string[] = [];
  for (const part of pattern.trim().split("/")) if (part === "..") parts.pop(); else if (part !== "" && part !== ".") parts.push(part);
  return parts.join("/");
}

/** Go's filepath.Match plus `**` for any number of folders. */
function expression(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/?|\*|\?|\[\^?[^\]/]*\]|\\.|[^*?[\\]/g, (token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.startsWith("[") && token.length > 2) return token.replace(/[\\&|~-](?=.*\])/g, (char) => (char === "-" ? "-" : `\\${char}`));
    return (token.length === 2 && token.startsWith("\\") ? token.slice(1) : token).replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  });
  try {
    return new RegExp(`^${source}$`, "s");
  } catch {
    return /^(?!)/;
  }
}
