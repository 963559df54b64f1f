const beat = setInterval(() => console.log("working"), 60_000);
console.log("Worker is up");

process.once("SIGTERM", () => {
  clearInterval(beat);
  console.log("Worker has finished what it was doing");
});
