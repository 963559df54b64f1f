use std::{env, io::Error};
use tiny_http::{Response, Server};

fn main() -> Result<(), Error> {
    let port = env::var("PORT").unwrap_or_else(|_| "5000".into());
    let server = Server::http(format!("0.0.0.0:{port}")).map_err(Error::other)?;
    for request in server.incoming_requests() {
        let name = request.url().trim_start_matches('/').to_owned();
        request.respond(Response::from_string(serde_json::to_string(&greeting::greeting(&name))?))?;
    }
    Ok(())
}
