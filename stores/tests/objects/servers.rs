//! Servers that tests talk to: real ones, and small ones that misbehave.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use loopwright_core::progress::Progress;

/// Says that a test is skipped; with `LOOPWRIGHT_REQUIRE_SERVERS` set, as the checks of the project set it, fails.
fn skip(words: &str) {
    assert!(std::env::var_os("LOOPWRIGHT_REQUIRE_SERVERS").is_none(), "{words}");
    eprintln!("SKIPPED: {words}");
}

/// A server that is a program, which ends with this.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: String,
    _folder: Option<tempfile::TempDir>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn started(mut command: Command, port: u16, folder: Option<tempfile::TempDir>) -> Program {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Program {
                child,
                address: format!("http://127.0.0.1:{port}"),
                _folder: folder,
            };
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "the server ended at once: {command:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the server does not answer: {command:?}");
}

/// Python's `http.server` over a folder.
pub(crate) fn python(folder: &Path) -> Option<Program> {
    let works = Command::new("python3").arg("--version").output().is_ok();
    if !works {
        skip("no Python: install the package python3");
        return None;
    }
    let port = port();
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "http.server",
        &port.to_string(),
        "--bind",
        "127.0.0.1",
        "--directory",
    ]);
    command.arg(folder);
    Some(started(command, port, None))
}

/// nginx with `autoindex` over a folder.
pub(crate) fn nginx(folder: &Path) -> Option<Program> {
    let found = ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find(|p| Command::new(p).arg("-v").output().is_ok());
    let Some(program) = found else {
        skip("no nginx: install the package nginx-light");
        return None;
    };
    let own = tempfile::tempdir().unwrap();
    let port = port();
    let at = own.path().display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {at}/{what};\n"))
        .concat();
    let configuration = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/errors;\nevents {{}}\n\
         http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; root {}; location / {{ autoindex on; }} }} }}\n",
        folder.display()
    );
    let file = own.path().join("nginx.conf");
    fs::write(&file, configuration).unwrap();
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(own.path())
        .arg("-e")
        .arg(own.path().join("errors"))
        .arg("-c")
        .arg(file);
    Some(started(command, port, Some(own)))
}

/// moto's S3, one for all tests. It ends with this process, whose end of its standard input then closes.
pub(crate) struct S3 {
    pub(crate) endpoint: String,
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) many: usize,
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    /// Kept, not waited for: it ends after us.
    _process: Child,
}

impl S3 {
    /// Uploads in parts that nobody finished or gave up.
    pub(crate) fn uploads(&self) -> usize {
        let mut talk = self.talk.lock().unwrap();
        talk.0.write_all(b"uploads\n").unwrap();
        let mut line = String::new();
        talk.1.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }

    /// The variables that let in.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.environment_with(&self.key, &self.secret)
    }

    pub(crate) fn environment_with(&self, key: &str, secret: &str) -> Vec<(String, String)> {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            set("AWS_ACCESS_KEY_ID", key),
            set("AWS_SECRET_ACCESS_KEY", secret),
            set("AWS_ENDPOINT_URL", &self.endpoint),
        ]
    }
}

pub(crate) fn s3() -> Option<&'static S3> {
    static SERVER: OnceLock<Option<S3>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let python = std::env::var_os("LOOPWRIGHT_S3_PYTHON").map(PathBuf::from)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects/s3.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).expect("moto starts");
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let input = child.stdin.take().unwrap();
        Some(S3 {
            endpoint: text("endpoint"),
            key: text("key"),
            secret: text("secret"),
            many: ready["many"].as_u64().unwrap() as usize,
            talk: Mutex::new((input, output)),
            _process: child,
        })
    });
    if server.is_none() {
        skip("no server of S3: `cargo xtask test` installs moto, or name a Python with it in LOOPWRIGHT_S3_PYTHON");
    }
    server.as_ref()
}

/// Accepts connections as long as it lives, and hands each to a thread.
pub(crate) struct Listener {
    pub(crate) address: String,
    at: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Listener {
    pub(crate) fn start(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let (ends, serve) = (over.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for (i, stream) in listener.incoming().enumerate() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let serve = serve.clone();
                if let Ok(stream) = stream {
                    std::thread::spawn(move || serve(i, stream));
                }
            }
        });
        Self {
            address: format!("http://{at}"),
            at,
            over,
        }
    }

    /// One that reads and never answers.
    pub(crate) fn silent() -> Self {
        Self::start(|_, mut stream| {
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        })
    }

    /// One that hands connections on to the server at `to`, and breaks the first `times` of them once `after` bytes of
    /// answers have passed. Tells what was asked for in `requests`.
    pub(crate) fn breaking(to: &str, after: usize, times: usize, requests: Arc<Mutex<Vec<String>>>) -> Self {
        let to = to.trim_start_matches("http://").to_owned();
        let broken = AtomicUsize::new(0);
        Self::start(move |_, client| {
            let server = TcpStream::connect(&to).unwrap();
            let (mut from, mut into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let requests = requests.clone();
            std::thread::spawn(move || {
                let mut piece = [0; 16 << 10];
                while let Ok(n @ 1..) = from.read(&mut piece) {
                    requests
                        .lock()
                        .unwrap()
                        .push(String::from_utf8_lossy(&piece[..n]).into_owned());
                    if into.write_all(&piece[..n]).is_err() {
                        break;
                    }
                }
                let _ = into.shutdown(Shutdown::Both);
            });
            let (mut from, mut into) = (server, client);
            let mut passed = 0;
            let mut piece = [0; 16 << 10];
            while let Ok(n @ 1..) = from.read(&mut piece) {
                passed += n;
                if passed > after
                    && broken
                        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |b| (b < times).then_some(b + 1))
                        .is_ok()
                {
                    break;
                }
                if into.write_all(&piece[..n]).is_err() {
                    break;
                }
            }
            let _ = into.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        })
    }

    /// One that answers each request with what `answer` makes of its number and its head.
    pub(crate) fn answering(answer: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> Self {
        Self::start(move |i, mut stream| {
            let mut head = Vec::new();
            let mut piece = [0; 4096];
            while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(n @ 1..) => head.extend_from_slice(&piece[..n]),
                    _ => return,
                }
            }
            let text = answer(i, &String::from_utf8_lossy(&head));
            let _ = stream.write_all(text.as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read(&mut piece);
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.at);
    }
}

/// The address of a port at which nothing answers.
pub(crate) fn nobody() -> String {
    format!("http://127.0.0.1:{}", port())
}

/// Gives up at a certain question, and counts how often it is asked after that.
pub(crate) struct GivesUp {
    after: usize,
    asked: AtomicUsize,
}

impl GivesUp {
    pub(crate) fn after(after: usize) -> Self {
        let asked = AtomicUsize::new(0);
        Self { after, asked }
    }

    /// How often it was asked after it had said that it gave up.
    pub(crate) fn ignored(&self) -> usize {
        self.asked.load(Ordering::SeqCst).saturating_sub(self.after)
    }
}

impl Progress for GivesUp {
    fn is_cancelled(&self) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst) + 1 >= self.after
    }
}
