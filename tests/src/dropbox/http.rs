//! As much of HTTP/1.1 as a client of Dropbox speaks.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::routes;

/// Longest body that is read.
const MOST: usize = 1 << 30;

/// A request as it came.
pub(super) struct Incoming {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Incoming {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// An answer, and what is to go wrong with it.
#[derive(Default)]
pub(super) struct Outgoing {
    /// 0: the connection is closed instead.
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Wait before it.
    pub(super) late: Option<Duration>,
    /// Send so many bytes of the body, wait, and then go on; or close where there is no time to wait.
    pub(super) pause: Option<(usize, Option<Duration>)>,
}

/// Answers what comes on `stream` until it is closed.
pub(super) fn serve(stream: &TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    while !shared.closing.load(Ordering::SeqCst) {
        let Ok(Some(request)) = read(&mut reader) else { break };
        let answer = routes::answer(&request, shared);
        if answer.status == 0 || !matches!(write(stream, &answer), Ok(true)) {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut text = String::new();
    let read = reader.take(1 << 16).read_line(&mut text)?;
    Ok((read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read(reader: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let Some(first) = line(reader)? else { return Ok(None) };
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    while let Some(text) = line(reader)?.filter(|l| !l.is_empty()) {
        if let Some((name, value)) = text.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|v| v == "chunked") {
        while let Some(size) = line(reader)? {
            let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
            reader.take(size.min(MOST) as u64).read_to_end(&mut body)?;
            line(reader)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = headers.get("content-length").and_then(|v| v.parse::<usize>().ok()) {
        reader.take(length.min(MOST) as u64).read_to_end(&mut body)?;
        if body.len() < length {
            return Ok(None);
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Some(Incoming {
        method: method.to_owned(),
        path: path.to_owned(),
        query: form(query),
        headers,
        body,
    }))
}

/// False where the connection is to be closed.
fn write(mut stream: &TcpStream, answer: &Outgoing) -> io::Result<bool> {
    if let Some(late) = answer.late {
        std::thread::sleep(late);
    }
    let mut head = format!(
        "HTTP/1.1 {} Told\r\nContent-Length: {}\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    let (first, pause) = match answer.pause {
        Some((first, pause)) => (first.min(answer.body.len()), Some(pause)),
        None => (answer.body.len(), None),
    };
    stream.write_all(&answer.body[..first])?;
    stream.flush()?;
    match pause {
        None => Ok(true),
        Some(None) => Ok(false),
        Some(Some(pause)) => {
            std::thread::sleep(pause);
            stream.write_all(&answer.body[first..])?;
            Ok(true)
        }
    }
}

/// The parameters of a query or a form.
pub(super) fn form(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|p| !p.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|h| std::str::from_utf8(h).ok());
        match (byte, hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `text` for a query.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}
