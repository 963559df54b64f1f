/** SSH public keys as an authorized_keys file has them (RFC 4253 section 6.6). */

import { createHash } from "node:crypto";
import { invalidParams } from "../errors.ts";

const TYPES = ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"];
const LINE = /^([a-z0-9@.-]{1,64}) +([A-Za-z0-9+/]{16,16384}={0,2})(?: +([^\r\n\0]{0,255}))?$/;

export type SshKey = { publicKey: string; comment: string; fingerprint: string };

/**
 * Reads one line `<type> <base64> <comment>`.
 * @throws AppError invalid_params when it is no public key.
 */
export function parseSshKey(text: string): SshKey {
  const [, type = "", base64 = "", comment = ""] = LINE.exec(text.trim()) ?? [];
  const blob = Buffer.from(base64, "base64");
  // The blob begins with its own type: what does not is no key, or a private one.
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  if (!TYPES.includes(type) || blob.subarray(4, 4 + length).toString("latin1") !== type)
    throw invalidParams("public_key: must be one line of an OpenSSH public key, such as the content of ~/.ssh/id_ed25519.pub.");
  const fingerprint = `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
  return { publicKey: [type, base64, comment].filter(Boolean).join(" "), comment, fingerprint };
}
