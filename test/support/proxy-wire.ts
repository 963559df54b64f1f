/** An independent, deliberately plain reader of what reached an upstream: the requests on the wire and their framing. */

export type WireRequest = { line: string; fields: [string, string][]; body: string };

/** All requests in `text`. Throws when octets are left that are no whole request: that would be a smuggled one. */
export function readRequests(text: string): WireRequest[] {
  const requests: WireRequest[] = [];
  let rest = text;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    if (end === -1) throw new Error(`no whole head: ${JSON.stringify(rest)}`);
    const [line = "", ...lines] = rest.slice(0, end).split("\r\n");
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP\/1\.1$/.test(line)) throw new Error(`no request line: ${JSON.stringify(line)}`);
    const fields = lines.map((field): [string, string] => {
      const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)$/.exec(field);
      if (match === null) throw new Error(`no field line: ${JSON.stringify(field)}`);
      return [match[1]!.toLowerCase(), match[2]!.trim()];
    });
    const framed = readBody(rest.slice(end + 4), fields);
    requests.push({ line, fields, body: framed.body });
    rest = framed.rest;
  }
  return requests;
}

function readBody(text: string, fields: [string, string][]): { body: string; rest: string } {
  const lengths = fields.filter(([name]) => name.replaceAll("_", "-") === "content-length");
  const codings = fields.filter(([name]) => name.replaceAll("_", "-") === "transfer-encoding");
  if (lengths.length + codings.length > 1) throw new Error("more than one framing");
  if (lengths.length === 1) {
    const size = Number(lengths[0]![1]);
    if (!/^\d+$/.test(lengths[0]![1]) || text.length < size) throw new Error(`body shorter than its length: ${JSON.stringify(text)}`);
    return { body: text.slice(0, size), rest: text.slice(size) };
  }
  if (codings.length === 0) return { body: "", rest: text };
  if (codings[0]![1] !== "chunked") throw new Error("unknown coding");
  let body = "";
  let rest = text;
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/.exec(rest);
    if (size === null) throw new Error(`no chunk size: ${JSON.stringify(rest)}`);
    const length = Number.parseInt(size[1]!, 16);
    const from = size[0].length;
    body += rest.slice(from, from + length);
    if (rest.slice(from + length, from + length + 2) !== "\r\n") throw new Error("chunk without its end");
    rest = rest.slice(from + length + 2);
    if (length === 0) return { body, rest };
  }
}
