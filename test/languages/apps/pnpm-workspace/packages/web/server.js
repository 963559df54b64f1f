const express = require("express");
const { greeting } = require("greeting");
const text = require("fs").readFileSync("text", "utf8").trim();
express().get("/", (_request, response) => response.send(greeting(text))).listen(process.env.PORT, "0.0.0.0");
