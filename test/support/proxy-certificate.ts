/** Certificates for the router's tests, made by openssl. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Certificate } from "../../proxy/certificate.ts";

/** A self-signed certificate for these hosts. */
export async function certificateFor(id: string, ...hosts: string[]): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), "certificate-"));
  try {
    const [chain, key] = [join(folder, "chain.pem"), join(folder, "key.pem")];
    const names = hosts.map((host) => `DNS:${host}`).join(",");
    await promisify(execFile)("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", `/CN=${id}`, "-addext", `subjectAltName=${names}`, "-keyout", key, "-out", chain]);
    return { id, hosts, chain: await readFile(chain, "utf8"), key: await readFile(key, "utf8") };
  } finally {
    await rm(folder, { recursive: true });
  }
}
