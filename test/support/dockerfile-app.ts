/** Sources of apps with a Dockerfile, and the images that they stand on: no registry is asked. */

import { docker } from "./paas.ts";

/** Tags the stack image under a name that an app may build on. @returns that name, and a function that takes it away */
export async function baseImage(): Promise<{ name: string; remove(): Promise<void> }> {
  const [repo, tag] = ["test-base", String(process.pid)];
  await docker.getImage(process.env["PAAS_STACK_IMAGE"] ?? "").tag({ repo, tag });
  return { name: `${repo}:${tag}`, remove: async () => void (await docker.getImage(`${repo}:${tag}`).remove()) };
}

/** Two stages; the last has its own folder, port, health check and command, and answers with its text, its build arguments, its user and its folder. */
export function dockerfileApp(base: string, text: string): Record<string, string> {
  return {
    "Dockerfile": `# An ordinary Dockerfile.
ARG BASE=${base}
FROM \${BASE} AS build
ARG GREETING=nobody
RUN mkdir /made && echo "$GREETING" > /made/greeting && date +%s%N > /made/at
FROM $BASE
WORKDIR /srv
COPY --from=build /made /srv/
COPY . .
ARG SOURCE_DATE_EPOCH
ENV BUILT_FROM=$SOURCE_DATE_EPOCH
EXPOSE 8000
HEALTHCHECK --interval=1s --timeout=5s --retries=60 CMD ["test", "-f", "/tmp/up"]
CMD ["python3", "server.py"]
`,
    ".dockerignore": "*.secret\n!kept.secret\n",
    "text": text,
    "left-out.secret": "x",
    "kept.secret": "y",
    "server.py": SERVER,
  };
}

const SERVER = `
import glob, http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        read = lambda name: open(name).read().strip()
        facts = {"/": read("text"), "/greeting": read("greeting"), "/at": read("at"), "/epoch": os.environ["BUILT_FROM"], "/secrets": " ".join(glob.glob("*.secret")),
                 "/who": "%d %s %s" % (os.getuid(), os.getcwd(), os.environ["PORT"]), "/caps": [l for l in open("/proc/self/status") if l.startswith("CapEff")][0].split()[1]}
        body = facts.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), sys.exit(0)))
print("listening on " + os.environ["PORT"], flush=True)
server = http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler)
open("/tmp/up", "w").close()
server.serve_forever()
`;

/** A program without anything around it: no shell, no files, no $PORT that it would know. */
export function scratchApp(base: string): Record<string, string> {
  return {
    "docker/Dockerfile": `FROM ${base} AS build
COPY server.c /
RUN gcc -static -o /server /server.c
FROM scratch
COPY --from=build /server /server
USER 12345
EXPOSE 7000
ENTRYPOINT ["/server"]
`,
    "docker/server.c": PROGRAM,
    "heroku.yml": "build:\n  docker:\n    web: docker/Dockerfile\n    worker: docker/Dockerfile\nrun:\n  worker: wait\n",
  };
}

const PROGRAM = `
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **words) {
  if (count > 1) { printf("told to %s\\n", words[1]); fflush(stdout); if (!strcmp(words[1], "wait")) pause(); return 0; }
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(7000) };
  int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  bind(s, (struct sockaddr *)&at, sizeof at);
  listen(s, 100);
  for (;;) {
    char got[4096], said[200];
    int c = accept(s, 0, 0);
    if (read(c, got, sizeof got) > 0) {
      char body[60];
      int n = sprintf(body, "static, as %d", (int)getuid());
      write(c, said, sprintf(said, "HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s", n, body));
    }
    close(c);
  }
}
`;
