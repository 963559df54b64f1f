import type { Db } from "./database.ts";

/** Our account at a certificate authority: the key that signs, and the URL that the authority knows it by once it is registered. */
export type AcmeAccount = { directory: string; privateKey: string; url: string | null; createdAt: string };

export type AcmeAccounts = ReturnType<typeof createAcmeAccounts>;

/** Accounts at certificate authorities, one for each directory. */
export function createAcmeAccounts(db: Db) {
  const insert = db.prepare("INSERT INTO acme_accounts (directory, private_key, url, created_at) VALUES (@directory, @privateKey, @url, @createdAt)");
  const setUrl = db.prepare("UPDATE acme_accounts SET url = ? WHERE directory = ?");
  const find = db.prepare<[string], { directory: string; private_key: string; url: string | null; created_at: string }>("SELECT directory, private_key, url, created_at FROM acme_accounts WHERE directory = ?");
  return {
    insert: (account: AcmeAccount): void => void insert.run(account),
    /** Null when the authority does not know the account any more. */
    setUrl: (directory: string, url: string | null): void => void setUrl.run(url, directory),
    find(directory: string): AcmeAccount | undefined {
      const row = find.get(directory);
      return row && { directory: row.directory, privateKey: row.private_key, url: row.url, createdAt: row.created_at };
    },
  };
}
