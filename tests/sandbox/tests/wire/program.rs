//! The program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::client::{Tested, request};

fn start(arguments: &[&str]) -> std::io::Result<Child> {
    let program = env!("CARGO_BIN_EXE_postback-sandbox");
    Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

#[test]
fn prints_its_address_and_serves_there() -> Tested {
    let mut child = start(&["--port", "0"])?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut line)?;
    let mut answer = String::new();

    let mut stream = TcpStream::connect(line.trim())?;
    stream.write_all(request("GET", "/_health", "", "").as_bytes())?;
    stream.read_to_string(&mut answer)?;
    child.kill()?;
    child.wait()?;

    assert!(line.starts_with("127.0.0.1:"), "{line}");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    Ok(())
}

#[test]
fn reports_bad_arguments_and_a_taken_port() -> Tested {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();

    for (arguments, complaint) in [
        (["--port", "many"], "--port needs a number"),
        (["--verbose", "1"], "usage:"),
        (["--port", &port], "cannot listen on 127.0.0.1:"),
    ] {
        let ended = start(&arguments)?.wait_with_output()?;

        assert!(!ended.status.success());
        let message = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(message.contains(complaint), "{message}");
    }
    Ok(())
}
