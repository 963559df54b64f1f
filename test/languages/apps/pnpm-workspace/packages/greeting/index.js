const isNumber = require("is-number");
exports.greeting = (text) => `workspace says ${text}: ${isNumber(5)}`;
