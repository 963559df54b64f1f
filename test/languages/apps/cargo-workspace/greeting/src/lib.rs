use serde_json::{json, Value};

pub fn greeting(name: &str) -> Value {
    json!({ "text": format!("Hello from a workspace, {name}") })
}
