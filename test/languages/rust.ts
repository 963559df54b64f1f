import { greeting } from "./example.ts";

export const rust = [greeting("rust-axum", "axum", "Rust app detected", "src/main.rs", "/hello/you")];
