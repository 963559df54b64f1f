/**
 * A program of its own, so that what makes certificates leaves no trace in the control plane's memory:
 * `node make-certificate.ts <folder> <name> …` makes a certificate for these names, by a local authority that it makes first.
 */

import { webcrypto } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";

type Key = webcrypto.CryptoKey;

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** The longest that clients take from any authority. */
const SERVER_DAYS = 397;
const YESTERDAY = new Date(Date.now() - DAY_MS);

const [folder = "", ...names] = process.argv.slice(2);
x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
const path = (name: string): string => join(folder, name);

const authority = existsSync(path("ca-key.pem")) ? await readAuthority() : await makeAuthority();
const keys = await makeKeys();
const certificate = await x509.X509CertificateGenerator.create({
  serialNumber: serial(),
  subject: `CN=${names[0]}`,
  issuer: authority.certificate.subject,
  notBefore: YESTERDAY,
  notAfter: daysFromNow(SERVER_DAYS),
  signingKey: authority.key,
  publicKey: keys.publicKey,
  signingAlgorithm: ALGORITHM,
  extensions: [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }))),
    await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
  ],
});
await write("server-key.pem", await pem(keys.privateKey));
await write("server.pem", `${certificate.toString("pem")}\n${authority.certificate.toString("pem")}\n`);

async function makeAuthority(): Promise<{ certificate: x509.X509Certificate; key: Key }> {
  const { privateKey, publicKey } = await makeKeys();
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=paas local authority ${new Date().toISOString().slice(0, 10)}`,
    notBefore: YESTERDAY,
    notAfter: daysFromNow(AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys: { privateKey, publicKey },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  await write("ca.pem", `${made.toString("pem")}\n`);
  await write("ca-key.pem", await pem(privateKey));
  return { certificate: made, key: privateKey };
}

async function readAuthority(): Promise<{ certificate: x509.X509Certificate; key: Key }> {
  const der = x509.PemConverter.decodeFirst(await readFile(path("ca-key.pem"), "utf8"));
  const key = await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, true, ["sign"]);
  return { certificate: new x509.X509Certificate(await readFile(path("ca.pem"), "utf8")), key };
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function pem(key: Key): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

function serial(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString("hex").replace(/^[89a-f]/, "7");
}

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

/** Whole or not at all; for its owner alone. */
async function write(name: string, text: string): Promise<void> {
  await writeFile(path(`${name}.next`), text, { mode: 0o600 });
  await rename(path(`${name}.next`), path(name));
}
