//! A small service with crates from the registry.

use axum::{extract::Path, routing::get, Router};
use tokio::{net::TcpListener, signal::unix::{signal, SignalKind}};

const GREETING: &str = "Hello from Rust";

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let router = Router::new()
        .route("/", get(|| async { GREETING }))
        .route("/hello/{name}", get(|Path(name): Path<String>| async move { format!("{GREETING}, {name}") }));
    let port = std::env::var("PORT").unwrap_or_else(|_| "5000".into());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).await?;
    // Answers until SIGTERM, then finishes what is under way.
    axum::serve(listener, router).with_graceful_shutdown(async { _ = signal(SignalKind::terminate()).unwrap().recv().await }).await
}
