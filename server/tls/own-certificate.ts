/** The certificate that the control plane shows: the operator's, or one by a local authority that is made at the first start. */

import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./make-certificate.ts", import.meta.url));
const RENEW_MS = 30 * 86_400_000;

/** PEM texts; `authority` is the file that clients must trust, undefined where the operator brought the certificate. */
export type OwnCertificate = { cert: string; key: string; authority: string | undefined };

/**
 * Reads the given certificate, or makes one for these names where there is none yet, it ends within 30 days, or names came.
 * @param names host names and IP addresses.
 * @throws Error naming the file that cannot be read, or what the program said.
 */
export async function ownCertificate(folder: string, names: string[], given: { cert: string; key: string } | undefined): Promise<OwnCertificate> {
  if (given) return { cert: await readFile(given.cert, "utf8"), key: await readFile(given.key, "utf8"), authority: undefined };
  const read = (name: string): Promise<string> => readFile(join(folder, name), "utf8");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!(await read("server.pem").then((cert) => holds(cert, names), () => false))) await make(folder, names);
  return { cert: await read("server.pem"), key: await read("server-key.pem"), authority: join(folder, "ca.pem") };
}

function holds(pem: string, names: string[]): boolean {
  const certificate = new X509Certificate(pem);
  return Date.parse(certificate.validTo) - Date.now() > RENEW_MS && names.every((name) => certificate.checkHost(name) !== undefined || certificate.checkIP(name) !== undefined);
}

function make(folder: string, names: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, folder, ...names], { stdio: ["ignore", "ignore", "pipe"], env: {} });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`the certificate of the API could not be made: ${said.trim()}`))));
  });
}
