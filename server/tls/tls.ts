/** The control plane over TLS, for as long as it runs: a certificate that is made, renewed and shown. */

import { networkInterfaces, hostname } from "node:os";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { ownCertificate } from "./own-certificate.ts";
import { openTlsPort, type TlsPort, type TlsPortOptions } from "./tls-port.ts";

const LOOK_MS = 86_400_000;
const EVERYWHERE = new Set(["0.0.0.0", "::"]);

export type Tls = Pick<TlsPort, "port" | "close"> & {
  /** The certificate that clients must trust; undefined where the operator brought the server's own. */
  authority: string | undefined;
};

/** Serves from now on; undefined where no port for it is set. Throws as ownCertificate and openTlsPort do. */
export async function startTls(config: Config, folder: string, log: Logger, serve: Pick<TlsPortOptions, "http" | "rendezvous">): Promise<Tls | undefined> {
  const { apiTlsPort, apiCertificate } = config;
  if (apiTlsPort === undefined) return undefined;
  const certificate = await ownCertificate(folder, namesOf(config), apiCertificate);
  const port = await openTlsPort({ host: config.bind, port: apiTlsPort, certificate, ...serve });
  const renew = async (): Promise<void> => port.use(await ownCertificate(folder, namesOf(config), apiCertificate));
  const looking = setInterval(() => void renew().catch((err: unknown) => log.error({ err }, "the certificate of the API could not be renewed")), LOOK_MS);
  looking.unref();
  return {
    port: port.port,
    authority: certificate.authority,
    close() {
      clearInterval(looking);
      return port.close();
    },
  };
}

/** By what names this machine may be called. */
function namesOf({ domain, bind }: Config): string[] {
  const addresses = EVERYWHERE.has(bind) ? Object.values(networkInterfaces()).flatMap((list) => list ?? []).filter(({ internal }) => !internal).map(({ address }) => address) : [bind];
  const names = [domain, `paas.${domain}`, "localhost", hostname().toLowerCase(), "127.0.0.1", "::1", ...addresses.filter((address) => !address.startsWith("fe80:"))];
  return [...new Set(names.filter((name) => /^[a-z0-9:.-]+$/i.test(name)))];
}
