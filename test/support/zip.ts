/** A zip archive whose entries are stored as they are, for what is only delivered so. */

import { crc32 } from "node:zlib";

export function zip(files: Record<string, string>): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const data = Buffer.from(text);
    const path = Buffer.from(name);
    // Version 2.0, no flags, stored, 1980-01-01; then checksum, both sizes, the name's length and no extra field.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(path.length, 22);
    const at = Buffer.alloc(14);
    at.writeUInt32LE(offset, 10);
    local.push(Buffer.from("PK\x03\x04"), common, path, data);
    central.push(Buffer.from("PK\x01\x02\x14\x00"), common, at, path);
    offset += 4 + common.length + path.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  const count = Object.keys(files).length;
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
