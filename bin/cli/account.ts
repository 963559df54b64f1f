import { hostname } from "node:os";
import type { Command } from "commander";
import { api, createApi, readAuthority, trust, type Api } from "./api.ts";
import { apiOrigin, credentialsFile, removeCredentials, storeCredentials, storedCredentials, type Credentials } from "./credentials.ts";
import { openQuestions, output, print, remark, type Questions } from "./terminal.ts";

const DEFAULT_URL = "http://localhost:3000";
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|.*\.localhost)$/;

type Account = { id: string; email: string; name: string | null };
type Authorization = { id: string; access_token: { token: string } };
type LoginOptions = { url?: string; ca?: string; email?: string; withToken?: boolean };

/** login, logout, whoami. */
export function addAccountCommands(program: Command): void {
  program.command("login")
    .description("log in, and keep who you are in a file that only you can read")
    .option("--url <url>", "the API, such as https://paas.example.com:3443")
    .option("--email <address>", "log in with this address and its password")
    .option("--with-token", "read a token instead of asking for address and password")
    .option("--ca <file>", "certificates (PEM) to trust: tls/ca.pem of the platform's data folder")
    .action(login);

  program.command("logout").description("forget who you are; a token that `paas login` made is revoked").action(logout);

  program.command("whoami").description("show who you are logged in as").option("--json", "print JSON").action(async (options: { json?: boolean }) => {
    const account = await api().ask<Account>("GET", "/account");
    output(options, account, () => print(account.email));
  });
}

async function login(options: LoginOptions): Promise<void> {
  const authority = options.ca === undefined ? undefined : readAuthority(options.ca);
  trust(options.ca);
  const questions = openQuestions();
  try {
    const url = apiOrigin(options.url ?? (await questions.ask("API URL", { fallback: process.env["PAAS_API_URL"] ?? storedCredentials()?.url ?? DEFAULT_URL })));
    if (url.startsWith("http:") && !LOOPBACK.test(new URL(url).hostname)) remark(`Warning: ${url} is not encrypted. Whoever is on the way can read your token: use the https URL.`);
    const found = await identify(url, options, questions);
    const { email } = await createApi({ url, email: "", ...found }, { authorization: `Bearer ${found.token}` }).ask<Account>("GET", "/account");
    storeCredentials({ url, email, ...found }, authority);
    remark(`Logged in to ${url} as ${email}; kept in ${credentialsFile()}.`);
  } finally {
    questions.close();
  }
}

/** A token that the person has, or one that is made with their address and password. */
async function identify(url: string, options: LoginOptions, questions: Questions): Promise<Pick<Credentials, "token" | "authorization">> {
  const email = options.withToken ? "" : options.email ?? (await questions.ask("E-mail address (empty: log in with a token)"));
  if (email === "") return { token: (await questions.ask("Token", { secret: true })).trim() };
  const password = await questions.ask("Password", { secret: true });
  const basic = Buffer.from(`${email}:${password}`).toString("base64");
  const made = await createApi({ url, token: "", email }, { authorization: `Basic ${basic}` })
    .ask<Authorization>("POST", "/oauth/authorizations", { description: `paas login on ${hostname()}`.slice(0, 200), scope: ["global"] });
  return { token: made.access_token.token, authorization: made.id };
}

async function logout(): Promise<void> {
  const stored = storedCredentials();
  if (stored?.authorization !== undefined) await revoke(stored.authorization);
  removeCredentials();
  remark(stored ? `Logged out of ${stored.url}.` : "You were not logged in.");
}

/** Logging out works without the platform, too. */
async function revoke(authorization: string): Promise<void> {
  try {
    const stored = storedCredentials() as Credentials;
    trust(stored.ca);
    const own: Api = createApi(stored, { authorization: `Bearer ${stored.token}` });
    await own.ask("DELETE", `/oauth/authorizations/${encodeURIComponent(authorization)}`);
  } catch (error) {
    remark(`The token could not be revoked: ${(error as Error).message}`);
  }
}
