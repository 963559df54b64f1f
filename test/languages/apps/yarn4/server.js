const text = require("fs").readFileSync("text", "utf8").trim();
require("express")().get("/", (_request, response) => response.send(`yarn says ${text}`)).listen(process.env.PORT, "0.0.0.0");
