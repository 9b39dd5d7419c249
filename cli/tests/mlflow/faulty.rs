//! A server of HTTP that does as it is told, on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A status, a body, and perhaps where to go instead.
    Status(u16, String, Option<String>),
    /// Closes the connection.
    HangUp,
    /// Something that is no HTTP.
    Noise,
}

impl Answer {
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self::Status(status, body.to_owned(), None)
    }

    pub(crate) fn to(self, location: &str) -> Self {
        match self {
            Self::Status(status, body, _) => Self::Status(status, body, Some(location.to_owned())),
            other => other,
        }
    }
}

/// A request that came in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Faulty {
    pub(crate) uri: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Faulty {
    /// Answers request `n` for `path` with `answer(n, path)`. The thread goes with the test's process.
    pub(crate) fn start(answer: impl Fn(usize, &str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.len() - 1
                };
                write(stream, &answer(number, &request.path));
            }
        });
        Self { uri, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        path,
        authorization,
        body,
    })
}

fn write(mut stream: TcpStream, answer: &Answer) {
    let text = match answer {
        Answer::HangUp => return,
        Answer::Noise => "what do you want?\r\n\r\n".to_owned(),
        Answer::Status(status, body, location) => {
            let location = location
                .as_ref()
                .map(|l| format!("Location: {l}\r\n"))
                .unwrap_or_default();
            format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{location}\r\n{body}",
                body.len()
            )
        }
    };
    // A client that has gone is none of our business.
    let _ = stream.write_all(text.as_bytes());
}
