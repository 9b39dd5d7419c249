//! Chromium without a window, driven over its DevTools protocol: a WebSocket (RFC 6455) to a port of this machine that
//! Chromium chooses itself.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take before the test gives up. Nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(90);

/// What every page is given before its own scripts: what it plays, refuses, and complains of is kept.
const WATCH: &str = r#"
window.__seen = { started: [], violations: [], alerts: [], errors: [] };
window.alert = (text) => { window.__seen.alerts.push(String(text)); };
addEventListener("error", (e) => window.__seen.errors.push(String(e.message || e.target && e.target.src)), true);
addEventListener("unhandledrejection", (e) => window.__seen.errors.push(String(e.reason)));
document.addEventListener("securitypolicyviolation", (e) =>
  window.__seen.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...given) {
  if (!(this.context instanceof OfflineAudioContext)) window.__seen.started.push(this);
  return start.apply(this, given);
};
"#;

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    profile: tempfile::TempDir,
    stream: BufReader<TcpStream>,
    session: Option<String>,
    next: u64,
    /// What the browser has told, in order.
    events: Vec<Value>,
}

/// The browser's program; `None` where there is none.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("LOOPWRIGHT_CHROMIUM").map(PathBuf::from);
    let known = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ];
    let works = |p: &PathBuf| {
        let run = Command::new(p)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        run.is_ok_and(|s| s.success())
    };
    named.into_iter().chain(known.map(PathBuf::from)).find(works)
}

impl Browser {
    /// Starts one that saves downloads to `downloads`. Where there is no Chromium, says so and gives nothing; with
    /// `LOOPWRIGHT_REQUIRE_CHROMIUM` set, as the checks of the project set it, that is a failure.
    pub(crate) fn start(downloads: &Path) -> Option<Self> {
        let Some(program) = program() else {
            let words = "no Chromium: install the package chromium, or name one with LOOPWRIGHT_CHROMIUM";
            assert!(std::env::var_os("LOOPWRIGHT_REQUIRE_CHROMIUM").is_none(), "{words}");
            eprintln!("SKIPPED: {words}");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let child = Command::new(program)
            .args([
                "--headless=new",
                // The page under test is our own, and containers often lack what the sandbox needs.
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--mute-audio",
                "--hide-scrollbars",
                "--remote-debugging-port=0",
                "--window-size=1280,800",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (port, path) = wait("Chromium says where it listens", || {
            let text = fs::read_to_string(profile.path().join("DevToolsActivePort")).ok()?;
            let (port, path) = text.trim().split_once('\n')?;
            Some((port.parse::<u16>().ok()?, path.to_owned()))
        });
        let mut browser = Self {
            child,
            profile,
            stream: connect(port, &path),
            session: None,
            next: 1,
            events: Vec::new(),
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach)["sessionId"]
            .as_str()
            .unwrap()
            .to_owned();
        browser.call(
            "Browser.setDownloadBehavior",
            json!({ "behavior": "allow", "downloadPath": downloads.to_string_lossy() }),
        );
        browser.session = Some(session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH }));
        Some(browser)
    }

    /// One command of the protocol, and its result.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.next;
        self.next += 1;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        send(self.stream.get_mut(), &message.to_string());
        loop {
            let answer: Value = serde_json::from_str(&receive(&mut self.stream)).unwrap();
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// Opens the file in the page and waits for it to be there.
    pub(crate) fn open(&mut self, page: &Path) {
        self.events.clear();
        let url = format!("file://{}", page.display())
            .replace('%', "%25")
            .replace('#', "%23")
            .replace('?', "%3F");
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert!(answer.get("errorText").is_none(), "{answer}");
        self.until("document.readyState === 'complete' && location.protocol === 'file:' && !!window.loopwrightPart");
    }

    /// The value of an expression in the page; a promise is waited for.
    #[track_caller]
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true }),
        );
        assert!(answer.get("exceptionDetails").is_none(), "{expression}\n{answer:#}");
        answer["result"]["value"].clone()
    }

    /// Waits for an expression to be true.
    #[track_caller]
    pub(crate) fn until(&mut self, expression: &str) {
        let started = Instant::now();
        while self.value(expression) != true {
            assert!(
                started.elapsed() < PATIENCE,
                "this did not come about: {expression}\n{:#?}",
                self.complaints()
            );
            sleep(Duration::from_millis(30));
        }
    }

    /// Presses a key.
    pub(crate) fn key(&mut self, key: &str) {
        let (code, number) = match key {
            " " => ("Space".to_owned(), 32),
            "ArrowLeft" => (key.to_owned(), 37),
            "ArrowUp" => (key.to_owned(), 38),
            "ArrowRight" => (key.to_owned(), 39),
            "ArrowDown" => (key.to_owned(), 40),
            "Enter" => (key.to_owned(), 13),
            "Escape" => (key.to_owned(), 27),
            digit if digit.chars().all(|c| c.is_ascii_digit()) => (format!("Digit{digit}"), digit.as_bytes()[0].into()),
            letter if letter.len() == 1 => (
                format!("Key{}", letter.to_uppercase()),
                i32::from(letter.to_uppercase().as_bytes()[0]),
            ),
            other => (other.to_owned(), 0),
        };
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({
                "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "nativeVirtualKeyCode": number,
            });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Types into what has the focus.
    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Clicks into the element that `selector` finds, at a part of its width and height.
    #[track_caller]
    pub(crate) fn click(&mut self, selector: &str, across: f64, down: f64) {
        let script = format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{ block: 'nearest' }}); \
             const r = e.getBoundingClientRect(); return [r.left + r.width * {across}, r.top + r.height * {down}]; }})()",
            json!(selector)
        );
        let at = self.value(&script);
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// The size of the screen, in units of the page, and whether it is dark.
    pub(crate) fn screen(&mut self, width: u32, height: u32, scale: f64, dark: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media);
        // Two frames: one that notices, one that has drawn.
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true), 120))))");
    }

    /// A picture of the page as PNG.
    pub(crate) fn picture(&mut self, path: &Path) {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, base64(shot["data"].as_str().unwrap())).unwrap();
    }

    /// Everything that the page or the browser complained of: exceptions, refusals, messages on the console.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        let answer = self.call(
            "Runtime.evaluate",
            json!({ "expression": "JSON.stringify(window.__seen && [__seen.violations, __seen.alerts, __seen.errors])",
                    "returnByValue": true }),
        );
        let seen = answer["result"]["value"].as_str().unwrap_or_default().to_owned();
        let lists: Vec<Vec<String>> = serde_json::from_str(&seen).unwrap_or_default();
        let told = self.events.iter().filter_map(|event| match event["method"].as_str()? {
            "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded" => {
                Some(event["params"].to_string())
            }
            _ => None,
        });
        lists.into_iter().flatten().chain(told).collect()
    }

    /// Addresses that the page asked for.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        self.value("0");
        let requests = self
            .events
            .iter()
            .filter(|e| e["method"] == "Network.requestWillBeSent");
        requests
            .filter_map(|e| Some(e["params"]["request"]["url"].as_str()?.to_owned()))
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its own processes may still write there for a moment; what is left is the system's to clean.
        let _ = fs::remove_dir_all(self.profile.path());
    }
}

/// Waits for `what` to be there.
#[track_caller]
pub(crate) fn wait<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "this did not come about: {what}");
        sleep(Duration::from_millis(30));
    }
}

fn connect(port: u16, path: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The key is there for caches and proxies to stumble over; between here and there are none.
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// One text frame. A client must mask what it sends; a mask of zeros leaves it as it is.
fn send(stream: &mut TcpStream, text: &str) {
    let length = text.len();
    let mut frame = vec![0x81];
    match length {
        0..126 => frame.push(0x80 | length as u8),
        126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    stream.write_all(&frame).unwrap();
}

/// One message, of one frame or several.
fn receive(stream: &mut BufReader<TcpStream>) -> String {
    let mut message = Vec::new();
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head).expect("Chromium answers");
        let length = match head[1] & 0x7f {
            126 => {
                let mut bytes = [0; 2];
                stream.read_exact(&mut bytes).unwrap();
                u64::from(u16::from_be_bytes(bytes))
            }
            127 => {
                let mut bytes = [0; 8];
                stream.read_exact(&mut bytes).unwrap();
                u64::from_be_bytes(bytes)
            }
            short => short.into(),
        };
        let mut content = vec![0; length as usize];
        stream.read_exact(&mut content).unwrap();
        match head[0] & 0x0f {
            // Text, or more of it.
            0 | 1 => message.extend(content),
            8 => panic!("Chromium closed the connection"),
            _ => continue,
        }
        if head[0] & 0x80 != 0 {
            return String::from_utf8(message).unwrap();
        }
    }
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = text.bytes().filter(|c| *c != b'=').map(digit).collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let word = (0..4).fold(0, |word, i| word << 6 | four.get(i).copied().unwrap_or(0));
        let [_, bytes @ ..] = word.to_be_bytes();
        bytes.into_iter().take(four.len() - 1)
    });
    bytes.collect()
}
