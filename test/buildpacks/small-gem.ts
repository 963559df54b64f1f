/** A gem of one Ruby file, packed as RubyGems reads it: a tar of metadata.gz and data.tar.gz. */

import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** @param program what a program of the gem's name does, where it brings one */
export async function smallGem(name: string, version: string, code: string, program?: string): Promise<Buffer> {
  const metadata = `--- !ruby/object:Gem::Specification
name: ${name}
version: !ruby/object:Gem::Version
  version: ${version}
platform: ruby
authors: [A]
summary: A
files: [lib/${name}.rb]
bindir: exe
executables: [${program === undefined ? "" : name}]
require_paths: [lib]
required_ruby_version: !ruby/object:Gem::Requirement
  requirements:
  - - ">="
    - !ruby/object:Gem::Version
      version: '0'
specification_version: 4
`;
  const files = { [`lib/${name}.rb`]: code, ...(program === undefined ? {} : { [`exe/${name}`]: program }) };
  const data = await tarOf(Object.fromEntries(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)])));
  return await tarOf({ "metadata.gz": gzipSync(metadata), "data.tar.gz": gzipSync(data) });
}

async function tarOf(files: Record<string, Buffer>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode: 0o644 }, content);
  archive.finalize();
  return await buffer(archive as unknown as Readable);
}
