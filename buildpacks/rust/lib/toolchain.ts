/** The stack's Rust against the one that the app asks for (https://rust-lang.github.io/rustup/overrides.html#the-toolchain-file). */

import { BuildFailure } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";

export type Asked = { channel: string; file: string };

/** What rust-toolchain.toml or rust-toolchain asks for. @throws BuildFailure when it is there but names no channel. */
export function askedRust(buildDir: string): Asked | undefined {
  // rustup prefers the older name where both are there.
  for (const file of ["rust-toolchain", "rust-toolchain.toml"]) {
    const text = readOwnFile(buildDir, file);
    if (text === undefined) continue;
    const plain = text.trim();
    const channel = /^\s*channel\s*=\s*["']([^"']+)["']/m.exec(text)?.[1] ?? (/^[\w.-]+$/.test(plain) ? plain : undefined);
    if (!channel) throw new BuildFailure(`${file} names no channel.`, 'It must hold: [toolchain] and channel = "stable".');
    return { channel, file };
  }
  return undefined;
}

/** @param version the stack's, such as 1.96.0 @throws BuildFailure when another one is asked for, naming the one that is here */
export function checkRust(asked: Asked | undefined, version: string): void {
  if (!asked) return;
  // A channel may name its machine: stable-x86_64-unknown-linux-gnu.
  const channel = asked.channel.replace(/-(?:x86_64|aarch64)-unknown-linux-gnu$/, "");
  if (channel === "stable" || version === channel || version.startsWith(`${channel}.`)) return;
  const why = /^(?:nightly|beta)/.test(channel) ? "Only stable Rust is here." : /^\d/.test(channel) && isNewer(channel, version) ? "" : "Stable Rust compiles what its earlier versions did.";
  throw new BuildFailure(`${asked.file} asks for Rust ${channel}; this stack has ${version}, and no other can be fetched.`, `${why} Write channel = "stable" (or "${version}") into ${asked.file}, commit and push again.`.trim());
}

function isNewer(a: string, b: string): boolean {
  return a.localeCompare(b, "en", { numeric: true }) > 0;
}
