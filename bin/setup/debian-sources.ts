/** Where the stack image's packages come from: the Debian sources that this host is set up with, and nobody else's beside them. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "./host.ts";

/** The stack's Debian where the host is none itself. */
const DEFAULT_SUITE = "bookworm";
const PUBLIC_MIRROR = "http://deb.debian.org";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Debian's own archives, whatever mirror carries them: the path ends so, and what is third-party has other components. */
const ARCHIVE_PATH = /\/debian(-security)?\/?$/;

type Source = { uris: string[]; suites: string[]; components: string[]; signedBy: string };

/** The Debian release that stack images are made of on this host. */
export function stackSuite(host: Host): string {
  return host.distribution === "debian" && host.codename !== "" ? host.codename : DEFAULT_SUITE;
}

/**
 * The lines of a sources.list for the stack: the host's own mirrors of Debian's main archive, updates and security, or the public ones.
 * @param aptFolder /etc/apt, or a copy of it in tests.
 */
export function debianSources(host: Host, aptFolder = "/etc/apt"): string[] {
  const suite = stackSuite(host);
  const wanted = [suite, `${suite}-updates`, `${suite}-security`];
  const own = host.distribution === "debian" ? configuredSources(aptFolder).filter(isDebians) : [];
  const lines = own.flatMap(({ uris, suites }) => uris.flatMap((uri) => suites.filter((name) => wanted.includes(name)).map((name) => `deb ${uri} ${name} main`)));
  if (lines.some((line) => line.endsWith(` ${suite} main`))) return [...new Set(lines)];
  const signed = existsSync(KEYRING) ? ` [signed-by=${KEYRING}]` : "";
  return [
    `deb${signed} ${PUBLIC_MIRROR}/debian ${suite} main`,
    `deb${signed} ${PUBLIC_MIRROR}/debian ${suite}-updates main`,
    `deb${signed} ${PUBLIC_MIRROR}/debian-security ${suite}-security main`,
  ];
}

function isDebians({ uris, components, signedBy }: Source): boolean {
  return components.includes("main") && uris.every((uri) => ARCHIVE_PATH.test(uri)) && (signedBy === "" || signedBy.includes("debian-archive"));
}

function configuredSources(aptFolder: string): Source[] {
  const parts = join(aptFolder, "sources.list.d");
  const files = [join(aptFolder, "sources.list"), ...(existsSync(parts) ? readdirSync(parts).sort().map((name) => join(parts, name)) : [])];
  return files.filter((file) => existsSync(file)).flatMap((file) => (file.endsWith(".sources") ? readDeb822 : readOneLine)(readFileSync(file, "utf8")));
}

/** sources.list(5), "ONE-LINE-STYLE FORMAT": `deb [options] uri suite component…`. */
function readOneLine(text: string): Source[] {
  return [...text.matchAll(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#\n]+)/gm)].map(([, options = "", uri = "", suite = "", components = ""]) => ({
    uris: [uri],
    suites: [suite],
    components: components.trim().split(/\s+/),
    signedBy: /signed-by=(\S+)/.exec(options)?.[1] ?? "",
  }));
}

/** sources.list(5), "DEB822-STYLE FORMAT": stanzas of `Field: values`. */
function readDeb822(text: string): Source[] {
  const withoutComments = text.replaceAll(/^#.*\n?/gm, "");
  return withoutComments
    .split(/\n\s*\n/)
    .map((stanza) => new Map([...stanza.matchAll(/^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)/gm)].map(([, name = "", value = ""]) => [name.toLowerCase(), value.trim().split(/\s+/)])))
    .filter((fields) => fields.get("types")?.includes("deb") && fields.get("enabled")?.[0] !== "no")
    .map((fields) => ({
      uris: fields.get("uris") ?? [],
      suites: fields.get("suites") ?? [],
      components: fields.get("components") ?? [],
      signedBy: (fields.get("signed-by") ?? []).join(" "),
    }));
}
