/** What a certificate chain and its private key say, and whether they can serve. */

import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import { invalidParams } from "../errors.ts";

export type CertificateFacts = {
  /** Host names in it, wildcards among them, in lower case. */
  names: string[];
  /** ISO 8601. */
  startsAt: string;
  expiresAt: string;
  /** As Heroku writes it: `/C=US/O=Let's Encrypt/CN=R11`. */
  issuer: string;
  subject: string;
  selfSigned: boolean;
  /** SHA-256, as the router names it. */
  fingerprint: string;
};

const MAX_PEM = 100_000;
const MAX_CHAIN = 10;
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s]*-----END \1-----/g;

/**
 * Checks a chain and its key for use from `now` on.
 * @returns the chain and the key with nothing around their PEM blocks, and what the certificate says
 * @throws AppError invalid_params naming `certificate_chain` or `private_key` and the fix; never shows any of the key.
 */
export function checkCertificate(chainPem: unknown, keyPem: unknown, now: Date): { chain: string; key: string; facts: CertificateFacts } {
  const blocks = chainBlocks(chainPem);
  const chain = blocks.map((block, index) => readOne(block, index));
  const key = readKey(keyPem);
  const [leaf] = chain as [X509Certificate];
  if (!matches(leaf, key)) {
    const place = chain.findIndex((certificate) => matches(certificate, key));
    if (place > 0) throw wrong("certificate_chain", `is in the wrong order: the private key belongs to certificate ${place + 1}, which must come first`);
    throw wrong("private_key", "does not belong to the first certificate of certificate_chain: send the key that its request was made with");
  }
  checkOrder(chain);
  chain.forEach((certificate, index) => checkTimes(certificate, index, now));
  const facts = factsOf(leaf);
  if (facts.names.length === 0) throw wrong("certificate_chain", "names no host: browsers only look at subjectAltName, which must hold DNS names");
  const pem = { chain: `${blocks.join("\n")}\n`, key: key.export({ type: "pkcs8", format: "pem" }).toString() };
  checkForTls(pem.chain, pem.key);
  return { ...pem, facts };
}

/** What a chain that was checked before says of its first certificate. */
export function readCertificate(chainPem: string): CertificateFacts {
  return factsOf(new X509Certificate(chainPem));
}

function chainBlocks(pem: unknown): string[] {
  if (typeof pem !== "string" || pem.trim() === "") throw wrong("certificate_chain", "must be PEM text: the certificate, then those that it was issued by");
  if (pem.length > MAX_PEM) throw wrong("certificate_chain", `is too long: at most ${MAX_PEM} characters are taken`);
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(pem)) throw wrong("certificate_chain", "holds a private key: send that as private_key, and certificates alone here");
  const blocks = [...pem.matchAll(BLOCK)];
  const other = blocks.find(([, label]) => label !== "CERTIFICATE");
  if (other) throw wrong("certificate_chain", `holds something else than certificates (${String(other[1]).toLowerCase()}): send blocks of BEGIN CERTIFICATE alone`);
  if (blocks.length === 0 || blocks.length !== pem.split("-----BEGIN ").length - 1) throw wrong("certificate_chain", "is not well-formed PEM: each certificate stands between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----");
  if (blocks.length > MAX_CHAIN) throw wrong("certificate_chain", `has ${blocks.length} certificates: at most ${MAX_CHAIN} are taken`);
  return blocks.map(([block]) => block);
}

function readOne(block: string, index: number): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch {
    throw wrong("certificate_chain", `certificate ${index + 1} cannot be read: copy it again, whole`);
  }
}

function readKey(pem: unknown): KeyObject {
  if (typeof pem !== "string" || pem.trim() === "") throw wrong("private_key", "must be PEM text: the key that belongs to the certificate");
  if (pem.length > MAX_PEM) throw wrong("private_key", `is too long: at most ${MAX_PEM} characters are taken`);
  if (/ENCRYPTED/.test(pem)) throw wrong("private_key", "is protected by a passphrase: take that off first (openssl pkey -in key.pem)");
  if (!/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(pem)) throw wrong("private_key", "is not a private key in PEM: it begins with -----BEGIN PRIVATE KEY-----");
  try {
    return createPrivateKey(pem);
  } catch {
    throw wrong("private_key", "cannot be read: copy it again, whole");
  }
}

function matches(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    return false;
  }
}

/** Each certificate is issued by the next one (RFC 8446 section 4.4.2). */
function checkOrder(chain: X509Certificate[]): void {
  chain.slice(0, -1).forEach((certificate, index) => {
    const issuer = chain[index + 1] as X509Certificate;
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      throw wrong("certificate_chain", `certificate ${index + 1} was not issued by certificate ${index + 2}: begin with the app's own, then follow each with the one that issued it`);
  });
}

function checkTimes(certificate: X509Certificate, index: number, now: Date): void {
  if (certificate.validToDate <= now) throw wrong("certificate_chain", `certificate ${index + 1} expired on ${certificate.validToDate.toISOString()}: get a new one`);
  if (certificate.validFromDate > now) throw wrong("certificate_chain", `certificate ${index + 1} is not valid before ${certificate.validFromDate.toISOString()}: wait until then, or set this machine's clock right`);
}

/** What OpenSSL refuses to serve: keys that are too short, signatures that are too weak. */
function checkForTls(cert: string, key: string): void {
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const reason = error instanceof Error && "reason" in error ? ` (${String(error.reason)})` : "";
    throw wrong("certificate_chain", `is not accepted for TLS${reason}: get one with an RSA key of at least 2048 bits or an elliptic-curve key, signed with SHA-256`);
  }
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  const alternatives = certificate.subjectAltName?.split(", ") ?? [];
  const names = alternatives.flatMap((alternative) => (alternative.startsWith("DNS:") ? [alternative.slice(4).toLowerCase()] : [])).filter((name) => /^(\*\.)?[a-z0-9_.-]+$/.test(name));
  return {
    names: [...new Set(names)],
    startsAt: certificate.validFromDate.toISOString(),
    expiresAt: certificate.validToDate.toISOString(),
    issuer: oneLine(certificate.issuer),
    subject: oneLine(certificate.subject),
    selfSigned: certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey),
    fingerprint: certificate.fingerprint256,
  };
}

/** A certificate may have an empty subject, for which Node gives undefined. */
function oneLine(name: string | undefined): string {
  return (name ?? "").split("\n").filter(Boolean).map((part) => `/${part}`).join("");
}

function wrong(field: "certificate_chain" | "private_key", rule: string): Error {
  return invalidParams(`${field}: ${rule}.`);
}
