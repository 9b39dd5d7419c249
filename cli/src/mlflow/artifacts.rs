//! Where an MLflow server wants the files of a run.

use std::path::PathBuf;

use loopwright_core::export::destination::write_file;
use loopwright_core::learn::recorder::RecordError;

use super::address::{Address, decode, encode, is_scheme};
use super::client::Client;

/// The store of a run's files.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Store {
    /// Behind the server: the address of the run's folder there.
    Proxied(String),
    /// A folder of this machine, which is the server's too.
    Folder(PathBuf),
    /// None that can be reached, and why.
    Closed(String),
}

impl Store {
    /// What the `artifact_uri` of a run on the server `base` stands for.
    pub(super) fn of(uri: &str, base: &Address) -> Self {
        let proxied = |path: &str| {
            let parts: Vec<String> = path
                .split('/')
                .filter(|p| !p.is_empty())
                .map(|p| encode(&decode(p)))
                .collect();
            Self::Proxied(base.join(&format!("/api/2.0/mlflow-artifacts/artifacts/{}", parts.join("/"))))
        };
        let elsewhere = || {
            Self::Closed(
                "its files are kept on another server, to which nothing is sent; `mlflow server --serve-artifacts` keeps \
                 them behind this one"
                    .into(),
            )
        };
        let scheme = uri
            .split_once(':')
            .map(|(s, _)| s)
            .filter(|s| is_scheme(s) && s.len() > 1);
        match scheme.map(str::to_ascii_lowercase).as_deref() {
            Some("mlflow-artifacts") => {
                let rest = &uri["mlflow-artifacts:".len()..];
                match rest.strip_prefix("//") {
                    // With a host: it must be ours, for credentials are sent along.
                    Some(rest) => {
                        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                        let there = Address::parse(&format!("{}://{host}", base.scheme()));
                        match there {
                            _ if host.is_empty() => proxied(path),
                            Ok((there, _)) if there.same_server(base) => proxied(path),
                            _ => elsewhere(),
                        }
                    }
                    None => proxied(rest),
                }
            }
            Some("http" | "https") => match Address::parse(uri) {
                Ok((there, _)) if there.same_server(base) && there.path().contains("/mlflow-artifacts/artifacts") => {
                    Self::Proxied(there.shown())
                }
                _ => elsewhere(),
            },
            Some("file") => {
                let rest = &uri["file:".len()..];
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let path = path.strip_prefix("localhost").unwrap_or(path);
                let path = decode(path);
                // file:///C:/runs
                let drive = path.strip_prefix('/').filter(|p| p.get(1..2) == Some(":"));
                Self::folder(drive.unwrap_or(&path), base)
            }
            None if uri.is_empty() => Self::Closed("the server names no place for the files of the run".into()),
            None => Self::folder(uri, base),
            Some(scheme) => Self::Closed(format!(
                "the server keeps files at {scheme}:, which Loopwright does not speak; start it with --serve-artifacts \
                 and --artifacts-destination, so that it takes them itself"
            )),
        }
    }

    fn folder(path: &str, base: &Address) -> Self {
        let path = PathBuf::from(path);
        if base.is_loopback() && path.is_absolute() {
            Self::Folder(path)
        } else {
            Self::Closed(
                "the server keeps files in a folder of its own machine (file:); start it with --serve-artifacts, so that \
                 it takes them itself"
                    .into(),
            )
        }
    }

    /// Puts a file there.
    pub(super) fn put(&self, client: &Client, name: &str, content: &[u8]) -> Result<(), RecordError> {
        let problem = |problem: String| client.error(format!("{name}: {problem}"));
        match self {
            Self::Proxied(folder) => {
                client
                    .put(&format!("{folder}/{}", encode(name)), content)
                    .map_err(|e| RecordError {
                        problem: format!("{name}: {}", e.problem),
                        ..e
                    })
            }
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|e| problem(format!("cannot make the folder {}: {e}", folder.display())))?;
                write_file(&folder.join(name), |out| out.write_all(content)).map_err(|e| problem(e.to_string()))
            }
            Self::Closed(why) => Err(problem(format!("not sent: {why}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_told_apart() {
        let base = |text: &str| Address::parse(text).unwrap().0;
        let here = base("http://127.0.0.1:5000/t");
        let far = base("https://tracking.example");
        let proxied = |s: &str| Store::Proxied(s.into());
        assert_eq!(
            Store::of("mlflow-artifacts:/1/ab c/artifacts", &here),
            proxied("http://127.0.0.1:5000/t/api/2.0/mlflow-artifacts/artifacts/1/ab%20c/artifacts")
        );
        let wanted = proxied("https://tracking.example/api/2.0/mlflow-artifacts/artifacts/1");
        assert_eq!(Store::of("mlflow-artifacts:///1", &far), wanted);
        assert_eq!(Store::of("mlflow-artifacts://tracking.example:443/1", &far), wanted);
        assert_eq!(
            Store::of("https://tracking.example/api/2.0/mlflow-artifacts/artifacts/1", &far),
            wanted
        );
        let closed = |uri: &str, base: &Address, said: &str| match Store::of(uri, base) {
            Store::Closed(why) => assert!(why.contains(said), "{uri}: {why}"),
            other => panic!("{uri}: {other:?}"),
        };
        closed("mlflow-artifacts://other.example/1", &far, "another server");
        closed(
            "http://tracking.example/api/2.0/mlflow-artifacts/artifacts/1",
            &far,
            "another server",
        );
        closed("s3://bucket/1", &here, "s3:");
        closed("dbfs:/1", &here, "dbfs:");
        closed("file:///srv/1", &far, "file:");
        closed("/srv/1", &far, "file:");
        closed("mlruns/1", &here, "file:");
        closed("", &here, "no place");
        if cfg!(unix) {
            assert_eq!(
                Store::of("file:///srv/a%20b/1", &here),
                Store::Folder("/srv/a b/1".into())
            );
            assert_eq!(Store::of("file:/srv/1", &here), Store::Folder("/srv/1".into()));
            assert_eq!(Store::of("/srv/1", &here), Store::Folder("/srv/1".into()));
        }
    }
}
