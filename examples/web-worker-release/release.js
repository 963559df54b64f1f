// Here a real app migrates its database. Exit with another code than 0, and the release does not happen.
console.log(`Preparing ${process.env.HEROKU_RELEASE_VERSION ?? "v0"}`);
