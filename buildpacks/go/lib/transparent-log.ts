/**
 * The log behind a Go checksum database (https://go.dev/design/25530-sumdb, RFC 6962 section 2.1): whether a record is really in the tree
 * whose head the database has signed. Without this a proxy on the way could answer with any checksum.
 */

import { createHash, createPublicKey, verify } from "node:crypto";

/** Hashes are published in tiles that are 8 levels high. */
const TILE_HEIGHT = 8;
const TILE_WIDTH = 2 ** TILE_HEIGHT;
const HASH_BYTES = 32;
const ED25519 = 1;

export type TreeHead = { size: number; root: Buffer };
export type TileReader = (path: string) => Promise<Buffer>;

/** The signed head of the tree. @param key `name+hash+key`. @throws Error unless that key has signed it. */
export function openTreeHead(note: string, key: string): TreeHead {
  const [name = "", id = "", encoded = ""] = key.split(/\+(.{8})\+/);
  const publicKey = Buffer.from(encoded, "base64");
  const keyId = sha256(Buffer.concat([Buffer.from(`${name}\n`), publicKey])).subarray(0, 4);
  if (publicKey[0] !== ED25519 || keyId.toString("hex") !== id) throw new Error(`${name}'s key in GOSUMDB is damaged`);

  const end = note.indexOf("\n\n");
  const text = note.slice(0, end + 1);
  const line = note.slice(end + 2).split("\n").find((each) => each.startsWith(`— ${name} `));
  const signature = Buffer.from(line?.split(" ")[2] ?? "", "base64");
  const jwk = { kty: "OKP", crv: "Ed25519", x: publicKey.subarray(1).toString("base64url") };
  const isSigned = signature.subarray(0, 4).equals(keyId) && verify(null, Buffer.from(text), createPublicKey({ key: jwk, format: "jwk" }), signature.subarray(4));
  if (!isSigned) throw new Error(`${name} has not signed its answer`);

  const [, size, root] = text.split("\n");
  return { size: Number(size), root: Buffer.from(root ?? "", "base64") };
}

/** Computes the tree's root from the record and its neighbours. @throws Error unless that is the root which was signed. */
export async function checkRecord(record: string, index: number, head: TreeHead, readTile: TileReader): Promise<void> {
  const leaf = sha256(Buffer.concat([Buffer.from([0]), Buffer.from(record)]));
  const hashOf = async (low: number, high: number): Promise<Buffer> => {
    const count = high - low;
    const isOnPath = index >= low && index < high;
    if (isOnPath && count === 1) return leaf;
    if (!isOnPath && Number.isInteger(Math.log2(count))) return await published(Math.log2(count), low / count, head, readTile);
    const middle = low + 2 ** Math.ceil(Math.log2(count) - 1);
    return nodeHash(await hashOf(low, middle), await hashOf(middle, high));
  };
  if (!(index < head.size) || !(await hashOf(0, head.size)).equals(head.root)) throw new Error("the record is not in the signed tree");
}

/** The hash of the `index`th complete subtree of 2^level records. */
async function published(level: number, index: number, { size }: TreeHead, readTile: TileReader): Promise<Buffer> {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level - tileLevel * TILE_HEIGHT);
  const tile = Math.floor((index * count) / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** tileLevel) - tile * TILE_WIDTH);
  const data = await readTile(`tile/${TILE_HEIGHT}/${tileLevel}/${tileNumber(tile)}${width === TILE_WIDTH ? "" : `.p/${width}`}`);
  const first = (index * count) % TILE_WIDTH;
  const hashes = Array.from({ length: count }, (_, i) => data.subarray((first + i) * HASH_BYTES, (first + i + 1) * HASH_BYTES));
  return combined(hashes);
}

function combined(hashes: Buffer[]): Buffer {
  const [first = Buffer.alloc(0)] = hashes;
  if (hashes.length <= 1) return first;
  return nodeHash(combined(hashes.slice(0, hashes.length / 2)), combined(hashes.slice(hashes.length / 2)));
}

/** 1234067 is x001/x234/067. */
function tileNumber(tile: number): string {
  const groups = [String(tile % 1000).padStart(3, "0")];
  for (let rest = Math.floor(tile / 1000); rest > 0; rest = Math.floor(rest / 1000)) groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  return groups.join("/");
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return sha256(Buffer.concat([Buffer.from([1]), left, right]));
}

function sha256(data: Buffer): Buffer {
  return createHash("sha256").update(data).digest();
}
