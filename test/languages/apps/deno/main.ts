import { Hono } from "hono";

const text = Deno.readTextFileSync("text").trim();
const app = new Hono().get("/", (context) => context.text(`deno says ${text}`));
Deno.serve({ port: Number(Deno.env.get("PORT")), hostname: "0.0.0.0" }, app.fetch);
