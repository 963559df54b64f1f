import { Hono } from "hono";

const text = (await Bun.file("text").text()).trim();
const app = new Hono().get("/", (context) => context.text(`bun says ${text}`));
export default { port: Number(process.env.PORT), hostname: "0.0.0.0", fetch: app.fetch };
