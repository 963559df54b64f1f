/** The router's own answers: a small page, or JSON where the client prefers it. Nothing of the request is echoed. */

import type { Failure } from "./failure.ts";
import { STATUS_CODES } from "./node-http.ts";

export type ErrorAnswer = {
  failure: Pick<Failure, "code" | "status" | "id" | "sentence">;
  accept: string;
  /** Without the body, though with its length (RFC 9110 9.3.2). */
  toHead: boolean;
  /** What the answer says about the connection: close it, keep it for an HTTP/1.0 client, or nothing. */
  connection: "close" | "keep-alive" | null;
  requestId: string;
  /** A page of the app's own, shown in a frame where HTML is answered; empty: none. */
  frame: string;
};

/** A whole HTTP/1.1 response. */
export function errorResponse(answer: ErrorAnswer): string {
  const { failure } = answer;
  const json = prefersJson(answer.accept);
  const body = json ? `${JSON.stringify({ id: failure.id, message: failure.sentence })}\n` : answer.frame === "" ? page(failure, answer.requestId) : framed(failure, answer.frame);
  const head = [
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status] ?? "Error"}`,
    `Date: ${new Date().toUTCString()}`,
    `Content-Type: ${json ? "application/json" : "text/html; charset=utf-8"}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
  ];
  if (failure.status === 405) head.push("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  if (failure.code === "H11") head.push("Retry-After: 1");
  if (answer.connection !== null) head.push(`Connection: ${answer.connection}`);
  return `${head.join("\r\n")}\r\n\r\n${answer.toHead ? "" : body}`;
}

/** Whether an Accept value (RFC 9110 12.5.1) likes JSON better than HTML. */
export function prefersJson(accept: string): boolean {
  if (accept === "") return false;
  let json = 0;
  let html = 0;
  for (const range of accept.toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    const weight = q === undefined ? 1 : Number(q.slice(2)) || 0;
    if (type === "application/json" || type.endsWith("+json")) json = Math.max(json, weight);
    else if (type === "text/html" || type === "text/*") html = Math.max(html, weight);
  }
  return json > html;
}

/** As Heroku shows a page of the app's own (devcenter: error-pages): under the address and with the status of what failed. */
function framed(failure: ErrorAnswer["failure"], url: string): string {
  const source = url.replace(/[&"<>]/g, (c) => `&#${c.charCodeAt(0)};`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${failure.status} ${STATUS_CODES[failure.status] ?? "Error"}</title>
<style>html,body,iframe{margin:0;border:0;width:100%;height:100%;display:block}</style>
<iframe src="${source}"></iframe>
</html>
`;
}

function page(failure: ErrorAnswer["failure"], requestId: string): string {
  const title = `${failure.status} ${STATUS_CODES[failure.status] ?? "Error"}`;
  const details = [failure.code, requestId].filter((detail) => detail !== null && detail !== "").join(" · ");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#222;background:#fff}small{color:#666}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}small{color:#999}}</style>
<h1>${title}</h1>
<p>${failure.sentence}</p>
<small>${details}</small>
</html>
`;
}
