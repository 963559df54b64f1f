/** The certificates that the host trusts, as Java reads them: it knows no PEM bundle, and Debian's store for it is made of Debian's own certificates alone. */

import { createHash } from "node:crypto";

const PEM = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/g;
const MAGIC = 0xfeedfeed;
const VERSION = 2;
const TRUSTED_CERTIFICATE = 2;
/** Java's own stores have this password too; what they hold is public. */
const PASSWORD = "changeit";

/** @param bundle certificates in PEM @returns a store of the format JKS (sun.security.provider.JavaKeyStore tells it) */
export function trustStore(bundle: string): Buffer {
  const certificates = [...bundle.matchAll(PEM)].map(([, base64 = ""]) => Buffer.from(base64, "base64"));
  const entries = certificates.flatMap((certificate, index) => [uint32(TRUSTED_CERTIFICATE), utf(`ca${index}`), Buffer.alloc(8), utf("X.509"), uint32(certificate.length), certificate]);
  const store = Buffer.concat([uint32(MAGIC), uint32(VERSION), uint32(certificates.length), ...entries]);
  const seal = createHash("sha1").update(Buffer.from(PASSWORD, "utf16le").swap16()).update("Mighty Aphrodite").update(store).digest();
  return Buffer.concat([store, seal]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function utf(text: string): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(text.length);
  return Buffer.concat([bytes, Buffer.from(text)]);
}
