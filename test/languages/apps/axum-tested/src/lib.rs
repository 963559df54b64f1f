use axum::{extract::Path, routing::get, Router};

/// ```
/// assert!(tested::greet("you").ends_with(" from Rust, you"));
/// ```
pub fn greet(name: &str) -> String {
    format!("Hello from Rust, {name}")
}

pub fn router() -> Router {
    Router::new().route("/hello/{name}", get(|Path(name): Path<String>| async move { greet(&name) }))
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    #[tokio::test]
    async fn greets_by_name() {
        let response = super::router().oneshot(Request::get("/hello/you").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), super::greet("you"));
    }
}
