/** The page of a login through a browser: plain HTML without scripts. */

import { createHash } from "node:crypto";
import type { Login } from "../identity/browser-logins.ts";

const STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:12vh auto;padding:0 1rem;color:#1c1b22}label{display:block;margin:.8rem 0}"
  + "input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4rem}button{font:inherit;padding:.4rem 1.2rem;margin-top:.4rem}.problem{color:#a4000f}small{color:#555}";

/** Nothing but this one style is loaded, the form goes nowhere else, and no other page frames it. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;

/** @param problem why the last try failed */
export function loginPage(login: Login, problem?: string): string {
  return page("Log in", `
<p><strong>${escape(login.description)}</strong> at ${escape(login.address)} asks to be logged in as you. Go on only if you started this yourself a moment ago.</p>
${problem === undefined ? "" : `<p class="problem" role="alert">${escape(problem)}</p>`}
<form method="post" action="/auth/browser/${escape(login.id)}">
<input type="hidden" name="form_token" value="${escape(login.formToken)}">
<label>E-mail address <input type="email" name="email" autocomplete="username" required autofocus></label>
<label>Password <input type="password" name="password" autocomplete="current-password" required></label>
<button type="submit">Log in</button>
</form>`);
}

export function donePage(email: string): string {
  return page("Logged in", `<p>You are logged in as ${escape(email)}. You can close this page and go back to your terminal.</p>`);
}

export function goneOrWrongPage(message: string): string {
  return page("Not logged in", `<p class="problem" role="alert">${escape(message)}</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} · paas</title><style>${STYLE}</style></head>
<body><h1>${title}</h1>${body}</body></html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
