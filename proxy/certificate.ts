/** Certificates as the control socket speaks of them. */

/** What a client is shown when it names one of the hosts in its handshake (RFC 6066 3). */
export type Certificate = {
  id: string;
  /** Canonical host names; `*.example.com` stands for one label more. */
  hosts: string[];
  /** PEM: the certificate, then those that it was issued by. */
  chain: string;
  /** PEM. */
  key: string;
};

/** A certificate in force, without its key. */
export type ServedCertificate = {
  id: string;
  hosts: string[];
  /** SHA-256 of the certificate, as `X509Certificate.fingerprint256` writes it. */
  fingerprint: string;
};
