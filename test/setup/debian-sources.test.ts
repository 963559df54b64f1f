import { join } from "node:path";
import { expect, test } from "vitest";
import { debianSources, stackSuite } from "../../bin/setup/debian-sources.ts";
import type { Host } from "../../bin/setup/host.ts";
import { scratchFolder, write } from "./scratch-folder.ts";

const BOOKWORM: Host = { uid: 0, distribution: "debian", codename: "bookworm", systemd: false, env: {} };

test("takes the host's own mirrors from a deb822 file, and nothing of third parties beside them", () => {
  const apt = scratchFolder();
  write(
    join(apt, "sources.list.d/debian.sources"),
    `Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`,
  );
  write(join(apt, "sources.list.d/tools.sources"), "Types: deb\nURIs: https://tools.example/node_20.x\nSuites: nodistro\nComponents: main\n");
  write(join(apt, "sources.list.d/off.sources"), "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n");
  expect(debianSources(BOOKWORM, apt)).toEqual([
    "deb http://mirror.example/debian bookworm main",
    "deb http://mirror.example/debian bookworm-updates main",
    "deb http://mirror.example/debian-security bookworm-security main",
  ]);
});

test("reads the one-line format", () => {
  const apt = scratchFolder();
  write(
    join(apt, "sources.list"),
    `# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian/ bookworm main non-free # ours
deb-src http://mirror.example/debian bookworm main
deb https://containers.example/linux/debian bookworm stable
`,
  );
  write(join(apt, "sources.list.d/sql.list"), "deb https://sql.example/apt bookworm-pgdg main\ndeb https://web.example/debian bookworm nginx\n");
  expect(debianSources(BOOKWORM, apt)).toEqual(["deb http://mirror.example/debian/ bookworm main"]);
});

test("on another distribution, or where nothing of Debian's is configured, takes the public mirror", () => {
  const apt = scratchFolder();
  write(join(apt, "sources.list"), "deb http://mirror.example/ubuntu noble main\n");
  for (const host of [BOOKWORM, { ...BOOKWORM, distribution: "ubuntu", codename: "noble" }]) {
    const lines = debianSources(host, apt).map((line) => line.replace(/ \[.*\]/, ""));
    expect(lines).toEqual([
      "deb http://deb.debian.org/debian bookworm main",
      "deb http://deb.debian.org/debian bookworm-updates main",
      "deb http://deb.debian.org/debian-security bookworm-security main",
    ]);
  }
  expect(stackSuite({ ...BOOKWORM, codename: "trixie" })).toBe("trixie");
});
