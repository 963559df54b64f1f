/** Certificates for tests: an authority with a root and an intermediate of its own, and what it is asked to issue. */

import * as x509 from "@peculiar/x509";
import { webcrypto } from "node:crypto";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 24 * 60 * 60_000;

x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

type Issue = {
  /** From now on, in milliseconds; negative for the past. */
  startsIn?: number;
  endsIn?: number;
  commonName?: string;
  /** The public key to certify, of a request; one is made when not given. */
  publicKey?: x509.PublicKey;
  /** An algorithm for the key that is made. */
  algorithm?: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams;
};

export type CertificateMaker = {
  /** PEM of the root: what clients trust. */
  root: string;
  intermediate: string;
  /** PEM: the certificate alone, the chain with the intermediate, and the key where it was made here. */
  issue(names: string[], options?: Issue): Promise<{ certificate: string; chain: string; key: string }>;
};

export async function createCertificateMaker(name = "Test"): Promise<CertificateMaker> {
  const [rootKeys, keys] = [await generate(ALGORITHM), await generate(ALGORITHM)];
  const ca = [new x509.BasicConstraintsExtension(true, undefined, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)];
  const validity = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + 30 * DAY_MS) };
  const root = await x509.X509CertificateGenerator.createSelfSigned({ serialNumber: serial(), name: `CN=${name} Root`, ...validity, signingAlgorithm: ALGORITHM, keys: rootKeys, extensions: ca });
  const intermediate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(), subject: `CN=${name} Intermediate, O=Tests`, issuer: root.subject, ...validity, signingAlgorithm: ALGORITHM, publicKey: keys.publicKey, signingKey: rootKeys.privateKey, extensions: ca,
  });

  return {
    root: pem(root),
    intermediate: pem(intermediate),
    async issue(names, { startsIn = -DAY_MS, endsIn = 20 * DAY_MS, commonName, publicKey, algorithm = ALGORITHM } = {}) {
      const pair = publicKey ? undefined : await generate(algorithm);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial(), subject: commonName === undefined ? "" : `CN=${commonName}`, issuer: intermediate.subject,
        notBefore: new Date(Date.now() + startsIn), notAfter: new Date(Date.now() + endsIn), signingAlgorithm: ALGORITHM, signingKey: keys.privateKey,
        publicKey: publicKey ?? (pair as webcrypto.CryptoKeyPair).publicKey,
        extensions: [
          new x509.BasicConstraintsExtension(false),
          ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))]),
        ],
      });
      return { certificate: pem(certificate), chain: pem(certificate) + pem(intermediate), key: pair ? await keyPem(pair) : "" };
    },
  };
}

/** A certificate that its own key signed. */
export async function selfSigned(names: string[]): Promise<{ chain: string; key: string }> {
  const keys = await generate(ALGORITHM);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(), name: `CN=${names[0] ?? ""}`, notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS), signingAlgorithm: ALGORITHM, keys,
    extensions: [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))],
  });
  return { chain: pem(certificate), key: await keyPem(keys) };
}

async function generate(algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
}

async function keyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${der.match(/.{1,64}/g)?.join("\n") ?? ""}\n-----END PRIVATE KEY-----\n`;
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem").trim()}\n`;
}

function serial(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString("hex").replace(/^[89a-f]/, "1");
}
