import isNumber from "is-number";

Deno.test("has a number", () => {
  if (!isNumber(Deno.readTextFileSync("text").trim().length)) throw new Error("no text");
});
