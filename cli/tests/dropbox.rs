//! `dropbox` from outside, against a server that misbehaves on request.
#![cfg(feature = "dropbox")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{expect_code, stderr, stdout, tool};
use loopwright_tests::dropbox::{ACCESS, APP_KEY, FakeDropbox, Fault, Kind, REFRESH};
use serde_json::{Value, json};

/// A user's home with settings for `server`, and a folder to work in.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(server: &FakeDropbox) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Self { folder };
        fs::create_dir_all(home.path("config/loopwright")).unwrap();
        fs::create_dir_all(home.path("work")).unwrap();
        let settings = format!(
            "[stores]\ndropbox_url = \"{}\"\nretries = 2\ntimeout_seconds = 5.0\n",
            server.url()
        );
        fs::write(home.path("config/loopwright/loopwright.toml"), settings).unwrap();
        home
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn kept(&self) -> PathBuf {
        self.path("config/loopwright/credentials/dropbox.json")
    }

    fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = tool(arguments);
        for name in ["ACCESS_TOKEN", "REFRESH_TOKEN", "APP_KEY", "APP_SECRET"] {
            command.env_remove(format!("DROPBOX_{name}"));
        }
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "LOOPWRIGHT_CONFIG_DIR"] {
            command.env_remove(name);
        }
        command
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("HOME", self.folder.path())
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.tool(arguments).output().unwrap()
    }

    /// As [`Home::run`], with a token that is good.
    fn run_in(&self, arguments: &[&str]) -> Output {
        self.tool(arguments)
            .env("DROPBOX_ACCESS_TOKEN", ACCESS)
            .output()
            .unwrap()
    }

    /// All files beneath a folder with their contents.
    fn tree(&self, relative: &str) -> BTreeMap<String, Vec<u8>> {
        let (root, mut files) = (self.path(relative), BTreeMap::new());
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().unwrap().is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        files
    }
}

/// What a browser gets at `url`: the status, the address it is sent on to, and the page.
fn visit(url: &str) -> (u16, Option<String>, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let (mut to, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() <= 2 {
            break;
        }
        let (name, value) = line.trim().split_once(": ").unwrap();
        match name {
            "Location" => to = Some(value.to_owned()),
            "Content-Length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut page = vec![0; length];
    reader.read_exact(&mut page).unwrap();
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    (status, to, String::from_utf8(page).unwrap())
}

/// The tool while it runs, and what it has said so far.
struct Running {
    child: Child,
    said: String,
    from: BufReader<std::process::ChildStderr>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let from = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            said: String::new(),
            from,
        }
    }

    /// Reads on to the page that the user is asked to open.
    fn page(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.from.read_line(&mut line).unwrap(), 0, "no page: {}", self.said);
            self.said += &line;
            if line.trim().starts_with("http") {
                return line.trim().to_owned();
            }
        }
    }

    /// The command line as others on this machine see it.
    fn command_line(&self) -> String {
        let path = format!("/proc/{}/cmdline", self.child.id());
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }

    /// Its exit code, with everything it said.
    fn end(mut self) -> (i32, String) {
        drop(self.child.stdin.take());
        self.from.read_to_string(&mut self.said).unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), self.said + &out)
    }
}

#[test]
fn a_login_by_the_browser_is_kept_used_and_given_back() {
    let server = FakeDropbox::start();
    server.put_file("/Music/a.mp3", *b"sound");
    let home = Home::new(&server);
    expect_code(&home.run(&["dropbox", "status"]), 3);
    let mut login = Running::start(home.tool(&["dropbox", "login", "--app-key", "my-app", "--port", "0"]));
    let page = login.page();
    assert!(
        page.contains("code_challenge_method=S256") && page.contains("token_access_type=offline"),
        "{page}"
    );
    let (status, to, _) = visit(&page);
    let to = to.unwrap();
    assert_eq!(status, 302);
    // Whoever does not know the state is turned away, and the login goes on.
    let (address, query) = to.split_once('?').unwrap();
    let code = query.split('&').find(|p| p.starts_with("code=")).unwrap();
    for stray in [
        format!("{address}?{code}"),
        format!("{address}?{code}&state=guess"),
        format!("{address}?error=access_denied&state=guess"),
        format!("{address}favicon.ico"),
    ] {
        assert_eq!(visit(&stray).0, 400, "{stray}");
    }
    let silent = TcpStream::connect(address.trim_start_matches("http://").trim_end_matches('/')).unwrap();
    let (status, _, page) = visit(&to);
    assert!(status == 200 && page.contains("close this page"), "{page}");
    drop(silent);
    let (code, said) = login.end();
    assert_eq!(code, 0, "{said}");
    let kept: Value = serde_json::from_slice(&fs::read(home.kept()).unwrap()).unwrap();
    assert_eq!(
        (&kept["app_key"], &kept["server"]),
        (&json!("my-app"), &json!(server.url()))
    );
    assert_eq!(
        kept["scope"],
        "files.metadata.read files.content.read files.content.write"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&home.kept()), mode(home.kept().parent().unwrap())),
            (0o600, 0o700)
        );
    }
    // Used...
    let status = home.run(&["dropbox", "status", "--json"]);
    expect_code(&status, 0);
    assert_eq!(serde_json::from_str::<Value>(&stdout(&status)).unwrap()["renews"], true);
    expect_code(&home.run(&["dropbox", "pull", "/Music", "--out", "music"]), 0);
    assert_eq!(home.tree("work/music")["a.mp3"], b"sound");
    // ... not where the settings name another server...
    let other = FakeDropbox::start();
    fs::write(
        home.path("work/loopwright.toml"),
        format!("[stores]\ndropbox_url = \"{}\"\n", other.url()),
    )
    .unwrap();
    let elsewhere = home.run(&["dropbox", "status"]);
    expect_code(&elsewhere, 3);
    assert!(stderr(&elsewhere).contains("another server") && other.log().is_empty());
    fs::write(
        home.path("work/loopwright.toml"),
        "[stores]\ndropbox_url = \"https://example.org\"\n",
    )
    .unwrap();
    expect_code(&home.run_in(&["dropbox", "status"]), 3);
    fs::remove_file(home.path("work/loopwright.toml")).unwrap();
    // ... nor where others can read it.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(home.kept(), fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = home.run(&["dropbox", "status"]);
        expect_code(&exposed, 3);
        assert!(stderr(&exposed).contains("others on this machine can read"));
        fs::set_permissions(home.kept(), fs::Permissions::from_mode(0o600)).unwrap();
    }
    // Given back: not where Dropbox does not hear it.
    let good = server.good_tokens();
    server.fault(Fault::new(Kind::Drop).on("auth/token/revoke").always());
    expect_code(&home.run(&["dropbox", "logout"]), 3);
    assert!(home.kept().is_file());
    server.clear_faults();
    expect_code(&home.run(&["dropbox", "logout"]), 0);
    assert!(!home.kept().exists() && server.good_tokens().1 == good.1 - 1);
    expect_code(&home.run(&["dropbox", "logout"]), 0);
    expect_code(&home.run(&["dropbox", "status"]), 3);
}

#[test]
fn a_login_by_a_pasted_code_asks_for_no_more_than_it_is_to() {
    let server = FakeDropbox::start();
    let home = Home::new(&server);
    expect_code(&home.run(&["dropbox", "login", "--paste"]), 2);
    let mut command = home.tool(&["dropbox", "login", "--paste", "--read-only"]);
    command.env("DROPBOX_APP_KEY", "my-app");
    let mut login = Running::start(command);
    let page = login.page();
    assert!(!page.contains("redirect_uri"), "{page}");
    let (_, _, page) = visit(&page);
    let code = page.trim_start_matches("<code>").trim_end_matches("</code>").to_owned();
    writeln!(login.child.stdin.as_mut().unwrap(), " {code} ").unwrap();
    let (exit, said) = login.end();
    assert_eq!(exit, 0, "{said}");
    let kept: Value = serde_json::from_slice(&fs::read(home.kept()).unwrap()).unwrap();
    assert_eq!(kept["scope"], "files.metadata.read files.content.read");
    // Another's code does not match this login's challenge; nothing is kept then.
    expect_code(&home.run(&["dropbox", "logout", "--local"]), 0);
    for stolen in [code.as_str(), "made-up", ""] {
        let mut login = Running::start(home.tool(&["dropbox", "login", "--paste", "--app-key", "my-app"]));
        login.page();
        writeln!(login.child.stdin.as_mut().unwrap(), "{stolen}").unwrap();
        let (exit, said) = login.end();
        assert!(exit == 3 && (stolen.is_empty() || !said.contains(stolen)), "{said}");
        assert!(!home.kept().exists());
    }
    let mut mine = Running::start(home.tool(&["dropbox", "login", "--paste", "--app-key", "my-app"]));
    mine.page();
    let mut other = Running::start(home.tool(&["dropbox", "login", "--paste", "--app-key", "my-app"]));
    let (_, _, page) = visit(&other.page());
    let code = page.trim_start_matches("<code>").trim_end_matches("</code>").to_owned();
    writeln!(mine.child.stdin.as_mut().unwrap(), "{code}").unwrap();
    assert_eq!(mine.end().0, 3);
    other.end();
    // Refused on the page.
    let mut login = Running::start(home.tool(&["dropbox", "login", "--app-key", "my-app", "--port", "0"]));
    let (_, to, _) = visit(&login.page());
    let to = to.unwrap();
    let refused = to.replace("?code=", "?error=access_denied&was=");
    visit(&refused);
    let (exit, said) = login.end();
    assert!(exit == 3 && said.contains("refused"), "{said}");
    // Nobody answers.
    let wait = ["dropbox", "login", "--app-key", "my-app", "--port", "0", "--wait", "1"];
    expect_code(&home.run(&wait), 3);
}

#[test]
fn pull_copies_audio_checks_it_and_goes_on() {
    let server = FakeDropbox::start();
    server.page(3);
    for i in 0..8u8 {
        server.put_file(&format!("/Music/Set {}/{i}.MP3", i % 2), vec![i; 50_000]);
    }
    server.put_file("/Music/cover.jpg", *b"picture");
    let home = Home::new(&server);
    let pull = ["dropbox", "pull", "dropbox:/music", "--out", "out"];
    let dry = home.run_in(&[&pull[..], &["--dry-run"]].concat());
    expect_code(&dry, 0);
    assert!(stdout(&dry).contains("8 files to fetch") && !home.path("work/out").exists());
    let json = home.run_in(&[&pull[..], &["--json", "--jobs", "3"]].concat());
    expect_code(&json, 0);
    let lines: Vec<Value> = stdout(&json)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 9);
    let order: Vec<&str> = lines.iter().filter_map(|l| l["file"].as_str()).collect();
    assert!(order.is_sorted() && order[0] == "Set 0/0.MP3", "{order:?}");
    assert_eq!((&lines[8]["fetched"], &lines[8]["failed"]), (&json!(8), &json!(0)));
    let tree = home.tree("work/out");
    assert_eq!(tree.len(), 8);
    assert_eq!(tree["Set 1/7.MP3"], vec![7; 50_000]);
    // What is there is not fetched again; what differs is.
    let before = server.count("files/download");
    fs::write(home.path("work/out/Set 0/0.MP3"), vec![9; 50_000]).unwrap();
    fs::remove_file(home.path("work/out/Set 0/2.MP3")).unwrap();
    server.put_file("/Music/Set 1/1.MP3", vec![8; 10]);
    expect_code(&home.run_in(&pull), 0);
    assert_eq!(server.count("files/download"), before + 3);
    assert_eq!(home.tree("work/out")["Set 1/1.MP3"], vec![8; 10]);
    // One that fails is named, the others are there.
    fs::remove_dir_all(home.path("work/out")).unwrap();
    server.fault(Fault::new(Kind::Corrupt).path("/Music/Set 0/4.MP3").always());
    server.fault(Fault::new(Kind::Rename("/gone.mp3".into())).path("/Music/Set 1/3.MP3"));
    server.fault(Fault::new(Kind::DropInBody(20_000)).path("/Music/Set 1/5.MP3"));
    server.fault(Fault::new(Kind::Expired).on("files/download"));
    server.fault(Fault::rate_limit(1).on("files/download"));
    let mut command = home.tool(&pull);
    command
        .env("DROPBOX_REFRESH_TOKEN", REFRESH)
        .env("DROPBOX_APP_KEY", APP_KEY);
    let some = command.output().unwrap();
    expect_code(&some, 1);
    let said = stderr(&some);
    assert!(
        said.contains("Set 0/4.MP3: ") && said.contains("Set 1/3.MP3: is not there"),
        "{said}"
    );
    assert_eq!(home.tree("work/out").len(), 6);
    server.clear_faults();
    // One file, everything, nothing.
    expect_code(
        &home.run_in(&["dropbox", "pull", "/Music/Set 0/4.MP3", "--out", "one"]),
        0,
    );
    assert_eq!(home.tree("work/one").into_keys().collect::<Vec<_>>(), ["4.MP3"]);
    expect_code(&home.run_in(&["dropbox", "pull", "/", "--out", "all", "--all"]), 0);
    assert!(home.tree("work/all").contains_key("Music/cover.jpg"));
    expect_code(
        &home.run_in(&["dropbox", "pull", "/Music/cover.jpg", "--out", "none"]),
        4,
    );
    expect_code(&home.run_in(&["dropbox", "pull", "/nowhere", "--out", "none"]), 3);
    expect_code(&home.run_in(&["dropbox", "pull", "Music", "--out", "none"]), 2);
    assert!(!home.path("work/none").exists());
}

#[test]
fn hostile_names_stay_inside() {
    let server = FakeDropbox::start();
    let names = [
        "/M/../../up.wav",
        "/M/a?.wav",
        "/M/a*.wav",
        "/M/x\\..\\y.wav",
        "/M/\u{1b}[2J.wav",
        "/M/CON.wav",
        "/M/\u{1f3b5}/\u{1f941}.wav",
    ];
    for (i, name) in names.iter().enumerate() {
        server.put_file(name, vec![i as u8; 100]);
    }
    let home = Home::new(&server);
    let pulled = home.run_in(&["dropbox", "pull", "/M", "--out", "out"]);
    expect_code(&pulled, 0);
    let tree = home.tree("");
    let out: Vec<&String> = tree.keys().filter(|k| k.starts_with("work/out/")).collect();
    assert_eq!(out.len(), names.len(), "{out:?}");
    assert_eq!(tree.keys().filter(|k| k.ends_with(".wav")).count(), names.len());
    assert!(
        out.iter()
            .all(|k| !k.contains(|c: char| c.is_control() || c == '?' || c == '*')),
        "{out:?}"
    );
    assert!(!stderr(&pulled).contains('\u{1b}'));
    // The same names the next time.
    let before = server.count("files/download");
    expect_code(&home.run_in(&["dropbox", "pull", "/M", "--out", "out"]), 0);
    assert_eq!(server.count("files/download"), before);
}

#[cfg(unix)]
#[test]
fn a_pull_that_was_killed_or_stopped_goes_on() {
    let server = FakeDropbox::start();
    for i in 0..6u8 {
        server.put_file(&format!("/M/{i}.wav"), vec![i; 200_000]);
    }
    let home = Home::new(&server);
    let pull = ["dropbox", "pull", "/M", "--out", "out", "--jobs", "1"];
    for (signal, code) in [("KILL", None), ("INT", Some(130))] {
        server.fault(
            Fault::new(Kind::Stall(100_000, Duration::from_secs(4)))
                .on("files/download")
                .after(2),
        );
        let mut child = home.tool(&pull);
        let mut child = child
            .env("DROPBOX_ACCESS_TOKEN", ACCESS)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        while server.faults_left() > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        let kill = Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), code);
        let mut whole = home.tree("work/out");
        whole.retain(|name, _| name.ends_with(".wav"));
        assert!(whole.len() >= 2 && whole.values().all(|c| c.len() == 200_000));
        server.clear_faults();
    }
    expect_code(&home.run_in(&pull), 0);
    let tree = home.tree("work/out");
    assert_eq!(
        tree.keys().collect::<Vec<_>>(),
        ["0.wav", "1.wav", "2.wav", "3.wav", "4.wav", "5.wav"]
    );
    let of = |name: &str| {
        server
            .log()
            .iter()
            .filter(|r| r.route == "files/download" && r.argument["path"] == name)
            .count()
    };
    assert_eq!((of("/M/0.wav"), of("/M/1.wav")), (1, 1), "fetched again");
}

/// Every secret of these tests begins with this.
const CANARY: &str = "CANARY";

/// All that a command told and left, without the secrets that were given to it.
struct Witness {
    home: Home,
    told: Vec<String>,
}

impl Witness {
    fn run(&mut self, variables: &[(&str, &str)], arguments: &[&str]) -> i32 {
        let mut command = self.command(variables, arguments);
        command.stdin(Stdio::null());
        let running = Running::start(command);
        self.hear(running, arguments)
    }

    fn command(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = self.home.tool(&[&["-vv"], arguments].concat());
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
        command.envs(variables.iter().copied());
        command
    }

    fn hear(&mut self, running: Running, arguments: &[&str]) -> i32 {
        let line = running.command_line();
        let (code, said) = running.end();
        self.told.push(format!("{arguments:?}: {line}\n{said}"));
        code
    }

    fn check(&self) {
        for told in &self.told {
            assert!(!told.contains(CANARY), "{told}");
        }
        for (name, content) in self.home.tree("") {
            let own = name.ends_with("credentials/dropbox.json") || name == "work/.env";
            let found = content.windows(CANARY.len()).any(|w| w == CANARY.as_bytes());
            assert!(own || !found, "{name}: {}", String::from_utf8_lossy(&content));
        }
    }
}

#[cfg(unix)]
#[test]
fn secrets_are_told_to_nobody() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = FakeDropbox::start();
    server.put_file("/M/a.mp3", *b"sound");
    server.issue("CANARY-issued");
    server.allow_access("CANARY-access");
    server.allow_refresh("CANARY-refresh", APP_KEY, Some("CANARY-secret"));
    let home = Home::new(&server);
    // What is told to the browser is seen by others too.
    fs::create_dir(home.path("bin")).unwrap();
    let browser = home.path("bin/xdg-open");
    fs::write(&browser, "#!/bin/sh\necho \"$@\" >> \"$HOME/browser\"\n").unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        home.path("bin").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut witness = Witness { home, told: Vec::new() };
    let pull = ["dropbox", "pull", "/M", "--out", "out"];
    let status = ["dropbox", "status", "--json"];

    // Logins, good and bad.
    let login = ["dropbox", "login", "--app-key", "app", "--port", "0"];
    let shown = [("PATH", path.as_str()), ("DISPLAY", ":0")];
    let mut running = Running::start(witness.command(&shown, &login));
    let (_, to, _) = visit(&running.page());
    visit(&to.unwrap());
    assert_eq!(witness.hear(running, &login), 0);
    let paste = ["dropbox", "login", "--app-key", "app", "--paste"];
    for (code, fault) in [
        (Some("CANARY-code"), None),
        (None, Some(Kind::Drop)),
        (None, Some(Kind::Status(400))),
        (None, None),
    ] {
        let mut running = Running::start(witness.command(&[], &paste));
        let (_, _, page) = visit(&running.page());
        let shown = page.trim_start_matches("<code>").trim_end_matches("</code>").to_owned();
        let good = code.is_none() && fault.is_none();
        if let Some(kind) = fault {
            server.fault(Fault::new(kind).on("oauth2/token").always());
        }
        writeln!(running.child.stdin.as_mut().unwrap(), "{}", code.unwrap_or(&shown)).unwrap();
        assert_eq!(witness.hear(running, &paste) == 0, good);
        server.clear_faults();
    }
    assert!(
        fs::read_to_string(witness.home.kept()).unwrap().contains(CANARY),
        "the canary is nowhere"
    );

    // Every source of tokens, with every fault.
    let access = [("DROPBOX_ACCESS_TOKEN", "CANARY-access")];
    let refresh = [
        ("DROPBOX_REFRESH_TOKEN", "CANARY-refresh"),
        ("DROPBOX_APP_KEY", APP_KEY),
        ("DROPBOX_APP_SECRET", "CANARY-secret"),
    ];
    for variables in [&access[..], &refresh[..], &[]] {
        assert_eq!(witness.run(variables, &status), 0);
        assert_eq!(witness.run(variables, &pull), 0);
        for kind in [
            Kind::Echo,
            Kind::Status(400),
            Kind::Status(401),
            Kind::Status(302),
            Kind::Drop,
            Kind::DropInBody(3),
        ] {
            server.fault(Fault::new(kind).always());
            assert_ne!(witness.run(variables, &status), 0);
            assert_ne!(witness.run(variables, &["dropbox", "pull", "/M", "--out", "new"]), 0);
            server.clear_faults();
        }
    }
    server.fault(Fault::new(Kind::Echo).on("auth/token/revoke"));
    assert_ne!(witness.run(&[], &["dropbox", "logout"]), 0);
    server.fault(Fault::new(Kind::Expired).on("files/list_folder").always());
    assert_ne!(witness.run(&access, &status), 0);
    server.clear_faults();

    // What is wrong with them.
    assert_ne!(witness.run(&[("DROPBOX_ACCESS_TOKEN", "CANARY wrong")], &status), 0);
    assert_ne!(witness.run(&[("DROPBOX_ACCESS_TOKEN", "CANARY-unknown")], &status), 0);
    assert_ne!(witness.run(&[("DROPBOX_REFRESH_TOKEN", "CANARY-refresh")], &status), 0);
    let wrong = [
        ("DROPBOX_REFRESH_TOKEN", "CANARY-unknown"),
        ("DROPBOX_APP_KEY", APP_KEY),
    ];
    assert_ne!(witness.run(&wrong, &pull), 0);
    let dot_env = witness.home.path("work/.env");
    server.allow_access("CANARY-access");
    fs::write(&dot_env, "DROPBOX_ACCESS_TOKEN=CANARY-access\n").unwrap();
    assert_eq!(witness.run(&[], &status), 0);
    assert_eq!(witness.run(&[], &["config"]), 0);
    assert_eq!(witness.run(&[], &["doctor"]), 0);
    fs::write(&dot_env, "DROPBOX_ACCESS_TOKEN='CANARY-access\nx\n").unwrap();
    witness.run(&[], &status);
    fs::remove_file(&dot_env).unwrap();
    fs::set_permissions(witness.home.kept(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_ne!(witness.run(&[], &status), 0);
    assert_ne!(witness.run(&[], &["dropbox", "logout"]), 0);
    assert!(witness.home.path("browser").is_file(), "no browser was opened");
    witness.check();
    assert!(!format!("{:?}", server.log()).contains(CANARY));
}
