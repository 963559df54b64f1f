import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { checkCertificate, readCertificate } from "../../server/domain/certificate.ts";
import { AppError } from "../../server/errors.ts";
import { createCertificateMaker, selfSigned, type CertificateMaker } from "../support/certificate-maker.ts";

let maker: CertificateMaker;
let other: CertificateMaker;
let good: { certificate: string; chain: string; key: string };
beforeAll(async () => {
  [maker, other] = [await createCertificateMaker("One"), await createCertificateMaker("Other")];
  good = await maker.issue(["www.example.com", "*.Example.org"], { commonName: "www.example.com" });
});

const check = (chain: unknown, key: unknown) => checkCertificate(chain, key, new Date());

function refusal(chain: unknown, key: unknown): string {
  try {
    check(chain, key);
  } catch (error) {
    if (error instanceof AppError && error.id === "invalid_params") return error.message;
    throw error;
  }
  return "taken";
}

test("a certificate with its chain and key is taken, and what it says is told", () => {
  const { chain, key, facts } = check(good.chain, good.key);
  expect(facts).toMatchObject({ names: ["www.example.com", "*.example.org"], issuer: "/CN=One Intermediate/O=Tests", subject: "/CN=www.example.com", selfSigned: false });
  expect(facts.fingerprint).toBe(new X509Certificate(good.certificate).fingerprint256);
  expect(Date.parse(facts.expiresAt)).toBeGreaterThan(Date.now());
  expect([chain, key.trim()]).toEqual([good.chain, good.key.trim()]);
  expect(readCertificate(chain)).toEqual(facts);
});

test("words around the PEM blocks, carriage returns and a key in an older form do no harm", async () => {
  const rsa = await maker.issue(["rsa.example.com"], { algorithm: { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" } });
  const traditional = execFileSync("openssl", ["rsa", "-traditional"], { input: rsa.key, stdio: ["pipe", "pipe", "ignore"] }).toString();
  expect(traditional).toMatch(/BEGIN RSA PRIVATE KEY/);
  const { chain, key } = check(`subject=CN = x\r\n${rsa.chain.replaceAll("\n", "\r\n")}\r\n`, `some words\n${traditional}`);
  expect(chain).not.toMatch(/subject/);
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
});

test("a certificate alone, and one that signed itself, are taken", async () => {
  expect(check(good.certificate, good.key).facts.selfSigned).toBe(false);
  const own = await selfSigned(["self.example.com"]);
  expect(check(own.chain, own.key).facts).toMatchObject({ selfSigned: true, names: ["self.example.com"] });
});

test("a certificate without a subject is taken: its names are what counts", async () => {
  const { chain, key } = await maker.issue(["only.example.com"]);
  expect(check(chain, key).facts).toMatchObject({ subject: "", names: ["only.example.com"] });
});

describe("what cannot serve is refused with the field and what to do; nothing of the key is shown", () => {
  const cases: Record<string, () => Promise<[chain: unknown, key: unknown, rule: RegExp]>> = {
    "no chain": async () => ["", good.key, /^certificate_chain: must be PEM text/],
    "a chain that is a number": async () => [1, good.key, /^certificate_chain: must be PEM text/],
    "words": async () => ["hello", good.key, /^certificate_chain: is not well-formed PEM/],
    "a block that does not end": async () => [good.certificate.replace("-----END CERTIFICATE-----", ""), good.key, /^certificate_chain: is not well-formed PEM/],
    "a second block that does not end": async () => [good.certificate + maker.intermediate.replace("-----END CERTIFICATE-----", ""), good.key, /^certificate_chain: is not well-formed PEM/],
    "a certificate that was cut": async () => [good.certificate.replace(/\n.{64}\n/, "\n"), good.key, /^certificate_chain: certificate 1 cannot be read/],
    "the key within the chain": async () => [good.chain + good.key, good.key, /^certificate_chain: holds a private key/],
    "a request instead of a certificate": async () => ["-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----", good.key, /^certificate_chain: holds something else than certificates \(certificate request\)/],
    "too many certificates": async () => [good.certificate.repeat(11), good.key, /^certificate_chain: has 11 certificates/],
    "a megabyte": async () => ["x".repeat(1_000_000), good.key, /^certificate_chain: is too long/],
    "no key": async () => [good.chain, " ", /^private_key: must be PEM text/],
    "a key that is a list": async () => [good.chain, [good.key], /^private_key: must be PEM text/],
    "words as a key": async () => [good.chain, "secret", /^private_key: is not a private key in PEM/],
    "a public key": async () => [good.chain, "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", /^private_key: is not a private key in PEM/],
    "a key that was cut": async () => [good.chain, good.key.replace(/\n.{20}/, "\n"), /^private_key: cannot be read/],
    "a key with a passphrase": async () => [good.chain, execFileSync("openssl", ["pkcs8", "-topk8", "-passout", "pass:word"], { input: good.key }).toString(), /^private_key: is protected by a passphrase/],
    "the key of another certificate": async () => [good.chain, (await maker.issue(["a.com"])).key, /^private_key: does not belong to the first certificate/],
    "a chain that begins with the issuer": async () => [maker.intermediate + good.certificate, good.key, /^certificate_chain: is in the wrong order: the private key belongs to certificate 2/],
    "an issuer that did not issue it": async () => [good.certificate + other.intermediate, good.key, /^certificate_chain: certificate 1 was not issued by certificate 2/],
    "root and intermediate the wrong way round": async () => [good.certificate + maker.root + maker.intermediate, good.key, /^certificate_chain: certificate 1 was not issued by certificate 2/],
    "an expired certificate": async () => {
      const { chain, key } = await maker.issue(["a.com"], { startsIn: -10_000, endsIn: -5000 });
      return [chain, key, /^certificate_chain: certificate 1 expired on 20\d\d-\d\d-\d\dT/];
    },
    "a certificate of tomorrow": async () => {
      const { chain, key } = await maker.issue(["a.com"], { startsIn: 3_600_000 });
      return [chain, key, /^certificate_chain: certificate 1 is not valid before/];
    },
    "a certificate for no host": async () => {
      const { chain, key } = await maker.issue([], { commonName: "www.example.com" });
      return [chain, key, /^certificate_chain: names no host/];
    },
    "a key that is too short for TLS": async () => {
      const { chain, key } = await maker.issue(["a.com"], { algorithm: { name: "RSASSA-PKCS1-v1_5", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" } });
      return [chain, key, /^certificate_chain: is not accepted for TLS \(.*key too small/];
    },
  };
  test.each(Object.keys(cases))("%s", async (name) => {
    const [chain, key, rule] = await (cases[name] as (typeof cases)[string])();
    const message = refusal(chain, key);
    expect(message).toMatch(rule);
    expect(message).toMatch(/^[^\n]{10,400}\.$/);
    const line = typeof key === "string" ? key.split("\n")[1] : undefined;
    if (line !== undefined && line.length > 10) expect(message).not.toContain(line);
  });
});
