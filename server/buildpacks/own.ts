/** The buildpacks that are ours: what lies in buildpacks/, and what its README says of each. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export type OwnBuildpack = {
  folder: string;
  /** One sentence. */
  description: string;
  /** Its section of buildpacks/README.md. */
  readme: string;
  changedAt: string;
};

const FOLDER = join(import.meta.dirname, "../../buildpacks");

/** In the order of their names. */
export function readOwnBuildpacks(root = FOLDER): OwnBuildpack[] {
  const sections = readSections(readFileSync(join(root, "README.md"), "utf8"));
  const folders = readdirSync(root).filter((name) => existsSync(join(root, name, "bin/compile"))).sort();
  return folders.map((folder) => {
    const readme = sections.get(folder) ?? "";
    return { folder, description: firstSentence(readme) || `Builds ${folder} apps.`, readme, changedAt: statSync(join(root, folder, "bin/compile")).mtime.toISOString() };
  });
}

/** `## Node.js` is the section of the folder `nodejs`; of one with several names (`## Deno and Bun`) each gets it. */
function readSections(markdown: string): Map<string, string> {
  const sections = markdown.split(/^## /m).slice(1);
  return new Map(sections.flatMap((section) => {
    const [title = "", ...lines] = section.split("\n");
    const names = title.toLowerCase().split(/\band\b|,/).map((name) => name.replaceAll(/[^a-z0-9]/g, ""));
    return names.map((name) => [name, lines.join("\n").trim()] as const);
  }));
}

function firstSentence(text: string): string {
  return (/^[^]*?[.:](?=\s|$)/.exec(text)?.[0] ?? "").replaceAll(/\s+/g, " ").replaceAll("`", "");
}
