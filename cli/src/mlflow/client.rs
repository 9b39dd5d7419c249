//! Requests to a tracking server, and what goes wrong with them, in words.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use loopwright_core::learn::recorder::RecordError;
use serde_json::Value;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::address::{Address, Login, encode};

/// Where a server is looked for that nobody named.
const DEFAULT: &str = "http://127.0.0.1:5000";

/// How long a connection may take, and a request.
const CONNECT: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(30);
const UPLOAD: Duration = Duration::from_secs(600);

/// How long is waited before each further attempt, where the server is not there or not well.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// Most bytes of an answer that are read.
const MOST: u64 = 4 << 20;

/// An answer to a question for one thing.
pub(super) enum Reply {
    Found(Value),
    Missing,
}

/// A server, and who asks it.
pub(super) struct Client {
    agent: Agent,
    base: Address,
    authorization: Option<String>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The server at `uri`, or the one that the environment names, or the default. Asks nothing yet.
    pub(super) fn open(uri: Option<&str>, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, RecordError> {
        let set = |name: &str| environment(name).filter(|v| !v.trim().is_empty());
        let (text, from) = match uri {
            Some(uri) => (uri.to_owned(), "--mlflow-uri"),
            None => match set("MLFLOW_TRACKING_URI") {
                Some(uri) => (uri, "MLFLOW_TRACKING_URI"),
                None => (DEFAULT.into(), "the default"),
            },
        };
        let problem = |problem: String| RecordError {
            place: format!("an MLflow server ({from})"),
            problem,
        };
        let (base, login) = Address::parse(&text).map_err(problem)?;
        // As MLflow's own client: a name and a password go before a token.
        let login = match (set("MLFLOW_TRACKING_USERNAME"), set("MLFLOW_TRACKING_PASSWORD")) {
            (Some(name), Some(password)) => Some(Login { name, password }),
            _ => login,
        };
        let authorization = match (login, set("MLFLOW_TRACKING_TOKEN")) {
            (Some(login), _) => {
                let both = format!("{}:{}", login.name, login.password);
                Some(format!("Basic {}", STANDARD.encode(both.as_bytes())))
            }
            (None, Some(token)) => Some(format!("Bearer {}", token.trim())),
            (None, None) => None,
        };
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(REQUEST))
            // A redirected POST arrives as a GET, and credentials are for one server: redirects are told, not followed.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("loopwright/", env!("CARGO_PKG_VERSION")));
        if base.is_loopback() {
            config = config.proxy(None);
        }
        if let Some(path) = set("MLFLOW_TRACKING_SERVER_CERT_PATH") {
            let roots = certificates(&path).map_err(problem)?;
            config = config.tls_config(
                TlsConfig::builder()
                    .root_certs(RootCerts::new_with_certs(&roots))
                    .build(),
            );
        }
        Ok(Self {
            agent: config.build().into(),
            base,
            authorization,
        })
    }

    /// The server's address.
    pub(super) fn base(&self) -> &Address {
        &self.base
    }

    /// An error at this server.
    pub(super) fn error(&self, problem: String) -> RecordError {
        RecordError {
            place: format!("the MLflow server {}", self.base.shown()),
            problem,
        }
    }

    /// Asks for one thing.
    pub(super) fn get(&self, method: &str, query: &[(&str, &str)]) -> Result<Reply, RecordError> {
        let query: Vec<String> = query.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect();
        let url = format!("{}?{}", self.url(method), query.join("&"));
        let answer = self.send(method, || {
            let mut request = self.agent.get(&url);
            if let Some(value) = &self.authorization {
                request = request.header("Authorization", value);
            }
            request.call()
        })?;
        // There may be no such thing, or no MLflow: only the latter says nothing that MLflow would.
        if answer.status == 404 && answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST" {
            return Ok(Reply::Missing);
        }
        self.understood(method, answer).map(Reply::Found)
    }

    /// Tells something.
    pub(super) fn post(&self, method: &str, body: &Value) -> Result<Value, RecordError> {
        let (url, text) = (self.url(method), body.to_string());
        let answer = self.send(method, || {
            let mut request = self.agent.post(&url).header("Content-Type", "application/json");
            if let Some(value) = &self.authorization {
                request = request.header("Authorization", value);
            }
            request.send(&text)
        })?;
        self.understood(method, answer)
    }

    /// Puts bytes at an address on this server.
    pub(super) fn put(&self, url: &str, bytes: &[u8]) -> Result<(), RecordError> {
        let answer = self.send("the artefact store", || {
            let mut request = self.agent.put(url).header("Content-Type", "application/octet-stream");
            if let Some(value) = &self.authorization {
                request = request.header("Authorization", value);
            }
            request.config().timeout_global(Some(UPLOAD)).build().send(bytes)
        })?;
        match answer.status {
            200..300 => Ok(()),
            _ => Err(self.refused("the artefact store", &answer)),
        }
    }

    fn url(&self, method: &str) -> String {
        self.base.join(&format!("/api/2.0/mlflow/{method}"))
    }

    /// Sends a request, again where the server is not there or not well.
    fn send(
        &self,
        method: &str,
        request: impl Fn() -> Result<ureq::http::Response<Body>, ureq::Error>,
    ) -> Result<Answer, RecordError> {
        let mut pauses = PAUSES.iter();
        loop {
            let result = request().and_then(Answer::read);
            let again = match &result {
                Ok(answer) => matches!(answer.status, 429 | 500..600),
                Err(e) => passes(e),
            };
            if let (true, Some(pause)) = (again, pauses.next()) {
                std::thread::sleep(*pause);
                continue;
            }
            return result.map_err(|e| self.error(format!("{method}: {}", words(&e))));
        }
    }

    /// The JSON of an answer that is good.
    fn understood(&self, method: &str, answer: Answer) -> Result<Value, RecordError> {
        if !(200..300).contains(&answer.status) {
            return Err(self.refused(method, &answer));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| self.error(format!("{method}: the answer is no JSON: is it an MLflow server?")))
    }

    fn refused(&self, method: &str, answer: &Answer) -> RecordError {
        let json = answer.json();
        let said = json["message"].as_str().map(str::to_owned);
        let said = said.unwrap_or_else(|| brief(&answer.body));
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(" ({said})")
        };
        let advice = match answer.status {
            300..=399 => match &answer.location {
                Some(to) => format!("it redirects to {to}: name that server with --mlflow-uri"),
                None => "it redirects: name the server itself with --mlflow-uri".into(),
            },
            401 | 403 => "it refuses: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or \
                          MLFLOW_TRACKING_TOKEN, to what it accepts"
                .into(),
            404 if json["error_code"].is_null() => {
                "there is no MLflow interface at this address: is the path of --mlflow-uri right?".into()
            }
            413 => "it does not take so much at once".into(),
            500..600 => "it failed".into(),
            _ => "it refuses".into(),
        };
        self.error(format!("{method}: status {}: {advice}{said}", answer.status))
    }
}

/// What a server answered.
struct Answer {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn read(mut response: ureq::http::Response<Body>) -> Result<Self, ureq::Error> {
        let location = response.headers().get("location").and_then(|v| v.to_str().ok());
        // An address may hold a password; what follows the path is nobody's business either.
        let location = location.and_then(|l| Address::parse(l.split(['?', '#']).next().unwrap_or_default()).ok());
        Ok(Self {
            status: response.status().as_u16(),
            location: location.map(|(address, _)| address.shown()),
            body: response.body_mut().with_config().limit(MOST).read_to_vec()?,
        })
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Whether an error may be gone at the next attempt.
fn passes(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed | ureq::Error::Protocol(_)
    )
}

fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
            "nothing answers there: is `mlflow server` running?".into()
        }
        ureq::Error::HostNotFound => "there is no such host".into(),
        ureq::Error::Timeout(_) => "no answer in time".into(),
        // Some of these repeat what they refuse, which may be a credential.
        ureq::Error::Http(_) => {
            "the request cannot be made: is there a line end in a name, a password or a token?".into()
        }
        ureq::Error::BodyExceedsLimit(_) => "the answer is too long: is it an MLflow server?".into(),
        ureq::Error::Protocol(_) => "the answer is no HTTP".into(),
        other => other.to_string(),
    }
}

/// The beginning of a text that nobody promised to be one, without mark-up.
fn brief(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(2000)]).into_owned();
    if text.trim_start().starts_with('<') {
        return String::new();
    }
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(200)
        .collect()
}

fn certificates(path: &str) -> Result<Vec<Certificate<'static>>, String> {
    let read =
        std::fs::read(path).map_err(|e| format!("MLFLOW_TRACKING_SERVER_CERT_PATH: {path}: cannot read: {e}"))?;
    let found: Vec<_> = parse_pem(&read)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(format!(
            "MLFLOW_TRACKING_SERVER_CERT_PATH: {path}: there is no certificate (PEM) in it"
        ));
    }
    Ok(found)
}
