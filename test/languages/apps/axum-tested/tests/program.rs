use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn the_program_serves() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tested")).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{}", line.trim().rsplit(' ').next().unwrap())).unwrap();
    stream.write_all(b"GET /hello/you HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    program.kill().unwrap();
    assert!(answer.ends_with("from Rust, you"), "{answer}");
}
