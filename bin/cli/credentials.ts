/** Where the API is and who we are there: one file that only its owner can read, or the environment. */

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Failure, wrongUsage } from "./failure.ts";

export type Credentials = {
  /** The API's origin, such as `https://paas.example.com:3443`. */
  url: string;
  token: string;
  email: string;
  /** Path of the certificates (PEM) that the API is trusted by besides the public ones. */
  ca?: string;
  /** The authorization that `paas login` made itself, and that `paas logout` therefore revokes. */
  authorization?: string;
};

const folder = (): string => join(process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "paas");
export const credentialsFile = (): string => join(folder(), "credentials.json");

/** From PAAS_API_URL and PAAS_API_TOKEN where both are set, else what `paas login` stored. @throws Failure when there is neither */
export function readCredentials(): Credentials {
  const { PAAS_API_URL: url, PAAS_API_TOKEN: token, PAAS_API_CA: ca } = process.env;
  if (url && token) return { url: apiOrigin(url), token, email: "", ...(ca ? { ca } : {}) };
  const stored = storedCredentials();
  if (!stored) throw new Failure("You are not logged in: run `paas login`.");
  return stored;
}

/** @throws Failure when the file cannot be understood */
export function storedCredentials(): Credentials | undefined {
  let text: string;
  try {
    text = readFileSync(credentialsFile(), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { url, token, email, ca, authorization } = JSON.parse(text) as Credentials;
    if (typeof token === "string") return { url: apiOrigin(url), token, email, ...(ca ? { ca } : {}), ...(authorization ? { authorization } : {}) };
  } catch {
    // Said below.
  }
  throw new Failure(`${credentialsFile()} is damaged: run \`paas login\` again.`);
}

/** Whole or not at all, for its owner alone. @param authority PEM text, kept beside and named in the result */
export function storeCredentials(credentials: Omit<Credentials, "ca">, authority: string | undefined): Credentials {
  mkdirSync(folder(), { recursive: true, mode: 0o700 });
  const ca = join(folder(), "ca.pem");
  if (authority !== undefined) replace(ca, authority);
  const stored: Credentials = { ...credentials, ...(authority === undefined ? {} : { ca }) };
  replace(credentialsFile(), `${JSON.stringify(stored, undefined, 2)}\n`);
  return stored;
}

export function removeCredentials(): void {
  rmSync(credentialsFile(), { force: true });
  rmSync(join(folder(), "ca.pem"), { force: true });
}

/** `paas.example.com:3443` and `https://paas.example.com:3443/` are one. @throws Failure (wrong usage) */
export function apiOrigin(text: string): string {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`);
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search !== "" || url.username !== "" || url.password !== "")
    throw wrongUsage(`"${text}" is no API URL: it looks like https://paas.example.com:3443.`);
  return url.origin;
}

function replace(file: string, text: string): void {
  const next = `${file}.${process.pid}`;
  writeFileSync(next, text, { mode: 0o600 });
  renameSync(next, file);
}
