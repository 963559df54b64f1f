use tokio::{net::TcpListener, signal::unix::{signal, SignalKind}};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "0".into());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).await?;
    println!("listening on {}", listener.local_addr()?.port());
    axum::serve(listener, tested::router()).with_graceful_shutdown(async { _ = signal(SignalKind::terminate()).unwrap().recv().await }).await
}
