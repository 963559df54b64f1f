/** What a token may be used for, in Heroku's words (devcenter: oauth#scopes). */

export const SCOPES = ["global", "identity", "read", "write", "read-protected", "write-protected"] as const;

export type Scope = (typeof SCOPES)[number];

/** What each gives besides itself. Protected are config vars and releases, and whatever would show them: `read` and `write` leave them out. */
const IMPLIED: Record<Scope, readonly Scope[]> = {
  global: SCOPES,
  identity: [],
  read: [],
  write: ["read"],
  "read-protected": ["read"],
  "write-protected": ["read", "write", "read-protected"],
};

/** Whether a token of these scopes may do what needs that one. */
export function permits(granted: readonly Scope[], needed: Scope): boolean {
  return granted.some((scope) => scope === needed || IMPLIED[scope].includes(needed));
}
