/** The proxies that are compared, each with the same work to do: host lookup, request id, forwarded headers, a buffered access log. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { once } from "node:events";
import net from "node:net";
import { join } from "node:path";
import { createRouterClient } from "../proxy/client.ts";

/** `pids`: every process that works for it. */
export type Peer = { name: string; port: number; pids: number[]; child: ChildProcess };

const ROUTER = join(import.meta.dirname, "../proxy/main.ts");
/** The bench's own core for the proxy; upstream and load share the other. */
const PROXY_CORE = "0";
const LOAD_CORE = "1";

export const hostNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `app-${i}.bench.test`);

/** Starts what answers behind every proxy: nginx, so that it costs little. */
export async function startUpstream(folder: string): Promise<{ port: number; child: ChildProcess }> {
  const port = await freePort();
  const root = join(folder, "files");
  await mkdir(root, { recursive: true });
  await writeFile(join(root, "10k"), Buffer.alloc(10_240, "x"));
  await writeFile(join(root, "1m"), Buffer.alloc(1_048_576, "x"));
  await writeFile(join(folder, "upstream.conf"), `${nginxStart(folder, "upstream")}
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 3600; tcp_nodelay on; sendfile on; client_body_buffer_size 128k; client_max_body_size 0;
  server { listen 127.0.0.1:${port}; root ${root};
    location = / { return 200 "Hello from the upstream\\n"; }
    location = /post { return 200 "ok"; }
  }
}`);
  const child = launch(LOAD_CORE, "nginx", ["-p", folder, "-c", join(folder, "upstream.conf")]);
  await listening(port);
  return { port, child };
}

export async function startRouter(folder: string, upstream: number, hosts: string[]): Promise<Peer> {
  const port = await freePort();
  const socket = join(folder, "router.sock");
  const args = [ROUTER, "--port", String(port), "--socket", socket, "--snapshot", join(folder, "routes.json"), "--log", join(folder, "router.log"), "--connections-per-address", "100000", "--connections", "100000"];
  const child = launch(PROXY_CORE, process.execPath, args);
  await listening(port);
  const client = createRouterClient(socket, { timeoutMs: 30_000 });
  while (!(await client.health().then(() => true, () => false))) await new Promise((resolve) => setTimeout(resolve, 50));
  await client.switchTo({
    id: "bench", deployment: "1", hosts, unavailable: "H10", redirectToTls: false, hstsSeconds: 0, errorPage: "", maintenancePage: "",
    targets: [{ id: "t1", dyno: "web.1", address: "127.0.0.1", port: upstream }],
  });
  return { name: "router", port, pids: [child.pid!, ...(await client.health()).workers], child };
}

export async function startNginx(folder: string, upstream: number, hosts: string[]): Promise<Peer> {
  const port = await freePort();
  await writeFile(join(folder, "nginx.conf"), `${nginxStart(folder, "nginx")}
http {
  log_format router 'at=info method=$request_method path="$request_uri" host=$host request_id=$request_id fwd="$proxy_add_x_forwarded_for" dyno=web.1 connect=$upstream_connect_time service=$upstream_response_time status=$status bytes=$body_bytes_sent';
  access_log ${join(folder, "nginx.log")} router buffer=64k flush=1s;
  keepalive_requests 100000000; keepalive_timeout 3600; client_max_body_size 0; client_body_buffer_size 128k;
  server_names_hash_max_size 65536; server_names_hash_bucket_size 128;
  upstream app { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 100000000; keepalive_timeout 3600; }
  server { listen 127.0.0.1:${port} default_server backlog=4096; return 404; }
  server { listen 127.0.0.1:${port}; server_name ${hosts.join("\n")};
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Request-Start $msec; }
  }
}`);
  const child = launch(PROXY_CORE, "nginx", ["-p", folder, "-c", join(folder, "nginx.conf")]);
  await listening(port);
  return { name: "nginx", port, pids: [child.pid!], child };
}

export async function startHaproxy(folder: string, upstream: number, hosts: string[]): Promise<Peer> {
  const port = await freePort();
  await writeFile(join(folder, "hosts.map"), hosts.map((host) => `${host} app`).join("\n"));
  await writeFile(join(folder, "haproxy.cfg"), `
global
  nbthread 1
  maxconn 4000
  log ring@access format raw local0
ring access
  size 1048576
defaults
  mode http
  option httplog
  log global
  timeout connect 5s
  timeout client 90s
  timeout server 90s
  http-reuse always
frontend in
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header X-Request-Id %[uuid()]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Request-Start %[date(0,ms)]
  option forwardfor
  use_backend %[req.hdr(host),field(1,:),lower,map(${join(folder, "hosts.map")},none)]
backend none
  http-request deny deny_status 404
backend app
  server web1 127.0.0.1:${upstream} pool-max-conn 256
`);
  const child = launch(PROXY_CORE, "haproxy", ["-f", join(folder, "haproxy.cfg"), "-db"]);
  await listening(port);
  return { name: "haproxy", port, pids: [child.pid!], child };
}

/** Caddy writes each line of its access log at once: it has no buffer to switch on. So it is measured without a log as well. */
export async function startCaddyWithoutLog(folder: string, upstream: number, hosts: string[]): Promise<Peer> {
  return { ...(await startCaddy(folder, upstream, hosts, {})), name: "caddy -log" };
}

export async function startCaddy(folder: string, upstream: number, hosts: string[], serverLogs: { logs?: object } = { logs: {} }): Promise<Peer> {
  const port = await freePort();
  const config = {
    admin: { disabled: true },
    logging: { logs: { default: { writer: { output: "discard" } }, access: { include: ["http.log.access"], writer: { output: "file", filename: join(folder, "caddy.log") } } } },
    apps: { http: { servers: { in: {
      listen: [`127.0.0.1:${port}`], automatic_https: { disable: true }, ...serverLogs,
      routes: [{ match: [{ host: hosts }], handle: [{
        handler: "reverse_proxy", upstreams: [{ dial: `127.0.0.1:${upstream}` }], transport: { protocol: "http", keep_alive: { max_idle_conns_per_host: 256 } },
        headers: { request: { set: { "X-Request-Id": ["{http.request.uuid}"], "X-Forwarded-Port": [String(port)], "X-Request-Start": ["{time.now.unix_ms}"] } } },
      }] }],
    } } } },
  };
  const path = join(folder, `caddy-${port}.json`);
  await writeFile(path, JSON.stringify(config));
  const child = launch(PROXY_CORE, "caddy", ["run", "--config", path], { HOME: folder, XDG_DATA_HOME: folder, GOMAXPROCS: "1" });
  await listening(port);
  return { name: "caddy", port, pids: [child.pid!], child };
}

export async function stopPeer({ child }: { child: ChildProcess }): Promise<void> {
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 2_000);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  clearTimeout(late);
}

/** Starts `program` on one core; taskset replaces itself, so the pid is the program's. */
function launch(core: string, program: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn("taskset", ["-c", core, program, ...args], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...env } });
  let complaint = "";
  child.stderr!.on("data", (part) => (complaint = (complaint + String(part)).slice(-2_000)));
  child.on("exit", (code) => code !== 0 && code !== null && code !== 143 && process.stderr.write(`${program} exited with ${code}:\n${complaint}\n`));
  return child;
}

function nginxStart(folder: string, name: string): string {
  return `daemon off; master_process off; worker_processes 1; error_log ${join(folder, `${name}.err`)}; pid ${join(folder, `${name}.pid`)}; events { worker_connections 4000; }`;
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const socket = net.connect(port, "127.0.0.1");
    const open = await once(socket, "connect").then(() => true, () => false);
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on ${port}`);
}
