//! A real MLflow server on loopback, gone again when it is dropped.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Server {
    pub(crate) uri: String,
    python: PathBuf,
    child: Child,
}

impl Server {
    /// Starts a server that keeps all it has in `home`; `None`, and a line that says so, where there is no MLflow.
    pub(crate) fn start(home: &Path, arguments: &[&str]) -> Option<Self> {
        let Some(python) = python() else {
            eprintln!("skipped: no Python with MLflow (`cargo xtask test` makes one; or set LOOPWRIGHT_MLFLOW_PYTHON)");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = home.join("server.log");
        let mut command = Command::new(&python);
        command
            .args([
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--workers",
                "1",
                "--port",
            ])
            .arg(port.to_string())
            .arg("--backend-store-uri")
            .arg(format!("sqlite:///{}", home.join("runs.sqlite").display()))
            .args(arguments)
            .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
            .env("DO_NOT_TRACK", "1")
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(File::create(&log).unwrap())
            .stderr(File::options().append(true).open(&log).unwrap());
        if !arguments.contains(&"--no-serve-artifacts") {
            command.arg("--artifacts-destination").arg(home.join("artifacts"));
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().unwrap();
        let mut server = Self {
            uri: format!("http://127.0.0.1:{port}"),
            python,
            child,
        };
        let begun = Instant::now();
        // It makes a database and imports half of Python first.
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(180),
                "no server: {ended:?}\n{}",
                String::from_utf8_lossy(&fs::read(&log).unwrap())
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(server)
    }

    /// What a Python script prints.
    pub(crate) fn python(&self, script: &str, arguments: &[&str]) -> String {
        let output = Command::new(&self.python)
            .args(["-c", script])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its workers are processes of their own, in its group.
        #[cfg(unix)]
        let _ = Command::new("kill")
            .arg("--")
            .arg(format!("-{}", self.child.id()))
            .status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn python() -> Option<PathBuf> {
    let able = |python: &PathBuf| {
        let mut command = Command::new(python);
        command.args([
            "-c",
            "import importlib.util as u, sys; sys.exit(not (u.find_spec('mlflow') and u.find_spec('sqlalchemy')))",
        ]);
        command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    let own = Path::new(env!("CARGO_BIN_EXE_loopwright"))
        .ancestors()
        .nth(2)?
        .join("mlflow-venv");
    let own = own.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    std::env::var_os("LOOPWRIGHT_MLFLOW_PYTHON")
        .map(PathBuf::from)
        .into_iter()
        .chain([own])
        .find(able)
}
