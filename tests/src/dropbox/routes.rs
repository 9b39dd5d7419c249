//! What is answered to which request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fault::Kind;
use super::http::{Incoming, Outgoing, encode, form};
use super::{Request, Shared, State, content_hash};

/// Why a request is refused: a status and its JSON or text.
struct Refusal(u16, Value);

impl Refusal {
    /// 409 with `error`, whose words are `summary`.
    fn conflict(error: Value, summary: &str) -> Self {
        Self(
            409,
            json!({ "error_summary": format!("{summary}/..."), "error": error }),
        )
    }

    /// 409 of a path that means nothing.
    fn lookup(around: &str, tag: &str) -> Self {
        let inner = json!({ ".tag": tag });
        Self::conflict(json!({ ".tag": around, around: inner }), &format!("{around}/{tag}"))
    }

    fn malformed(why: &str) -> Self {
        Self(400, Value::String(format!("Error in call to API function: {why}")))
    }

    fn auth(tag: &str) -> Self {
        Self(
            401,
            json!({ "error_summary": format!("{tag}/..."), "error": { ".tag": tag } }),
        )
    }
}

type Answer = Result<Outgoing, Refusal>;

fn told(value: &Value) -> Outgoing {
    Outgoing {
        status: 200,
        headers: vec![("Content-Type", "application/json".into())],
        body: value.to_string().into_bytes(),
        ..Outgoing::default()
    }
}

/// Answers a request, notes it, and lets faults strike.
pub(super) fn answer(request: &Incoming, shared: &Shared) -> Outgoing {
    let mut state = shared.state();
    let route = request.path.trim_start_matches('/');
    let route = route.strip_prefix("2/").unwrap_or(route).to_owned();
    let argument = argument(request, &route);
    let path = ["path", "cursor", "commit"].iter().find_map(|&field| {
        let value = argument.get(field)?;
        value
            .as_str()
            .or_else(|| value.get("path")?.as_str())
            .map(str::to_owned)
    });
    let mut faults = state.faults.iter_mut();
    let fault = faults.find_map(|f| f.strikes(&route, path.as_deref()).then(|| f.kind.clone()));
    let answer = match &fault {
        Some(kind) => faulty(kind, request, &route, &argument, path.as_deref(), &mut state),
        None => route_to(request, &route, &argument, &mut state),
    };
    let note = Request {
        method: request.method.clone(),
        argument,
        header: request.header("dropbox-api-arg").map(str::to_owned),
        range: request.header("range").map(str::to_owned),
        content: if route.starts_with("files/upload") {
            request.body.len()
        } else {
            0
        },
        status: answer.status,
        route,
    };
    state.log.push(note);
    answer
}

/// What the request says, without what is secret.
fn argument(request: &Incoming, route: &str) -> Value {
    const SECRET: [&str; 5] = ["code", "code_verifier", "refresh_token", "client_secret", "state"];
    if route.starts_with("oauth2/") {
        let mut said = request.query.clone();
        said.extend(form(&String::from_utf8_lossy(&request.body)));
        said.retain(|name, _| !SECRET.contains(&name.as_str()));
        return json!(said);
    }
    let text = request.header("dropbox-api-arg").map(str::as_bytes);
    serde_json::from_slice(text.unwrap_or(&request.body)).unwrap_or_default()
}

fn faulty(
    kind: &Kind,
    request: &Incoming,
    route: &str,
    argument: &Value,
    path: Option<&str>,
    state: &mut State,
) -> Outgoing {
    let limited = |reason: &str, header: Option<u64>, body: Option<u64>| {
        let mut error = json!({ "reason": { ".tag": reason } });
        if let Some(seconds) = body {
            error["retry_after"] = seconds.into();
        }
        let mut answer = told(&json!({ "error_summary": format!("{reason}/..."), "error": error }));
        answer.status = 429;
        answer.headers.extend(header.map(|h| ("Retry-After", h.to_string())));
        answer
    };
    let usual = |state: &mut State| route_to(request, route, argument, state);
    match kind {
        Kind::RateLimit { header, body } => limited("too_many_requests", *header, *body),
        Kind::TooManyWrites => limited("too_many_write_operations", None, None),
        Kind::Conflict(error, summary) => refuse(Refusal::conflict(error.clone(), summary)),
        Kind::Status(status) => Outgoing {
            status: *status,
            body: b"<html>something went wrong</html>".to_vec(),
            ..Outgoing::default()
        },
        Kind::Expired => {
            if let Some(token) = bearer(request) {
                state.account.expire_one(token);
            }
            refuse(Refusal::auth("expired_access_token"))
        }
        Kind::Echo => {
            let said = request.header("authorization").unwrap_or_default();
            refuse(Refusal::malformed(&format!(
                "Invalid authorization value in HTTP header: {said:?}"
            )))
        }
        Kind::Drop => Outgoing::default(),
        Kind::DropAfter => {
            usual(state);
            Outgoing::default()
        }
        Kind::DropInBody(bytes) => Outgoing {
            pause: Some((*bytes, None)),
            ..usual(state)
        },
        Kind::Late(time) => Outgoing {
            late: Some(*time),
            ..usual(state)
        },
        Kind::Stall(bytes, time) => Outgoing {
            pause: Some((*bytes, Some(*time))),
            ..usual(state)
        },
        Kind::Corrupt => {
            let mut answer = usual(state);
            if let Some(byte) = answer.body.first_mut() {
                *byte ^= 0x55;
            }
            answer
        }
        Kind::Change(content) => {
            if let Some(path) = path.and_then(|p| state.files.path_of(p)) {
                state.files.put(&path, content.clone());
            }
            usual(state)
        }
        Kind::Rename(to) => {
            if let Some(path) = path.and_then(|p| state.files.path_of(p)) {
                state.files.rename(&path, to);
            }
            usual(state)
        }
        Kind::Remove => {
            if let Some(path) = path.and_then(|p| state.files.path_of(p)) {
                state.files.remove(&path);
            }
            usual(state)
        }
    }
}

fn bearer(request: &Incoming) -> Option<&str> {
    request.header("authorization")?.strip_prefix("Bearer ")
}

fn refuse(Refusal(status, value): Refusal) -> Outgoing {
    let mut answer = told(&value);
    answer.status = status;
    if let Value::String(text) = value {
        answer.body = text.into_bytes();
    }
    answer
}

fn route_to(request: &Incoming, route: &str, argument: &Value, state: &mut State) -> Outgoing {
    let answer = match (request.method.as_str(), route) {
        ("GET", "oauth2/authorize") => Ok(authorize(&request.query, state)),
        ("POST", "oauth2/token") => {
            let (status, value) = state.account.token(&form(&String::from_utf8_lossy(&request.body)));
            Ok(Outgoing { status, ..told(&value) })
        }
        ("POST", _) => within(request, route, argument, state),
        _ => Err(Refusal(404, Value::Null)),
    };
    answer.unwrap_or_else(refuse)
}

/// The page that asks for consent, which everybody gives at once.
fn authorize(said: &BTreeMap<String, String>, state: &mut State) -> Outgoing {
    let page = |status: u16, text: String| Outgoing {
        status,
        headers: vec![("Content-Type", "text/html".into())],
        body: text.into_bytes(),
        ..Outgoing::default()
    };
    match (state.account.consent(said), said.get("redirect_uri")) {
        (Err(why), _) => page(400, why.to_owned()),
        (Ok(code), None) => page(200, format!("<code>{code}</code>")),
        (Ok(code), Some(to)) => {
            let state = said.get("state").map(|s| format!("&state={}", encode(s)));
            let to = format!("{to}?code={}{}", encode(&code), state.unwrap_or_default());
            Outgoing {
                headers: vec![("Location", to)],
                ..page(302, String::new())
            }
        }
    }
}

/// Routes that want a token.
fn within(request: &Incoming, route: &str, argument: &Value, state: &mut State) -> Answer {
    state.account.check(bearer(request)).map_err(Refusal::auth)?;
    match route {
        "auth/token/revoke" => {
            state.account.revoke(bearer(request).unwrap_or_default());
            Ok(told(&Value::Null))
        }
        "files/list_folder" => list(argument, state),
        "files/list_folder/continue" => {
            let page = state.sessions.go_on(text(argument, "cursor")?);
            let page = page.ok_or_else(|| Refusal::malformed("cursor: no such cursor"))?;
            Ok(told(&listing(page)))
        }
        "files/get_metadata" => {
            let told_of = state.files.metadata(text(argument, "path")?);
            told_of
                .map(|m| told(&m))
                .ok_or_else(|| Refusal::lookup("path", "not_found"))
        }
        "files/delete_v2" => {
            let path = text(argument, "path")?;
            let rev = state.files.metadata(path).map(|m| m["rev"].clone()).unwrap_or_default();
            if !argument["parent_rev"].is_null() && !rev.is_null() && rev != argument["parent_rev"] {
                let reason = json!({ ".tag": "conflict", "conflict": { ".tag": "file" } });
                let error = json!({ ".tag": "path_write", "path_write": reason });
                return Err(Refusal::conflict(error, "path_write/conflict/file"));
            }
            let gone = state.files.delete(path);
            let gone = gone.ok_or_else(|| Refusal::lookup("path_lookup", "not_found"))?;
            Ok(told(&json!({ "metadata": gone })))
        }
        "files/download" => download(request, argument, state),
        "files/upload" => {
            check_hash(argument, &request.body)?;
            if request.body.len() > 150 << 20 {
                return Err(Refusal::conflict(
                    json!({ ".tag": "payload_too_large" }),
                    "payload_too_large",
                ));
            }
            commit(argument, request.body.clone(), state)
        }
        "files/upload_session/start" => {
            check_hash(argument, &request.body)?;
            let closed = argument["close"] == true;
            let id = state.sessions.start(request.body.clone(), closed);
            Ok(told(&json!({ "session_id": id })))
        }
        "files/upload_session/append_v2" => {
            check_hash(argument, &request.body)?;
            append(argument, &request.body, argument["close"] == true, "", state)?;
            Ok(told(&Value::Null))
        }
        "files/upload_session/finish" => {
            check_hash(argument, &request.body)?;
            let id = append(argument, &request.body, true, "lookup_failed", state)?;
            let content = state.sessions.upload(&id).map(|u| std::mem::take(&mut u.content));
            state.sessions.end(&id);
            commit(&argument["commit"], content.unwrap_or_default(), state)
        }
        _ => Err(Refusal::malformed("unknown function")),
    }
}

fn text<'a>(argument: &'a Value, field: &str) -> Result<&'a str, Refusal> {
    let value = argument.get(field).and_then(Value::as_str);
    let value = value.ok_or_else(|| Refusal::malformed(&format!("request body: {field}: missing")))?;
    let plain = value.is_empty() || value.starts_with('/') && !value.ends_with('/') || value.contains(':');
    if field == "path" && !plain {
        return Err(Refusal::malformed(&format!("path: {value:?} did not match pattern")));
    }
    Ok(value)
}

fn list(argument: &Value, state: &mut State) -> Answer {
    let path = text(argument, "path")?;
    if state.files.content(path).is_some() {
        return Err(Refusal::lookup("path", "not_folder"));
    }
    if !state.files.is_folder(path) {
        return Err(Refusal::lookup("path", "not_found"));
    }
    let entries = state.files.list(path, argument["recursive"] == true);
    let limit = argument["limit"].as_u64().map_or(usize::MAX, |l| l as usize);
    let page = state.sessions.list(entries, state.page.min(limit.max(1)));
    Ok(told(&listing(page)))
}

fn listing((entries, cursor, has_more): (Vec<Value>, String, bool)) -> Value {
    json!({ "entries": entries, "cursor": cursor, "has_more": has_more })
}

fn download(request: &Incoming, argument: &Value, state: &State) -> Answer {
    let name = text(argument, "path")?;
    let Some(content) = state.files.content(name) else {
        let tag = if state.files.is_folder(name) {
            "not_file"
        } else {
            "not_found"
        };
        return Err(Refusal::lookup("path", tag));
    };
    let mut about = state.files.metadata(name).unwrap_or_default();
    if let Some(fields) = about.as_object_mut() {
        fields.remove(".tag");
    }
    let mut answer = told(&Value::Null);
    answer.headers = vec![
        ("Content-Type", "application/octet-stream".into()),
        ("Dropbox-API-Result", safe(&about.to_string())),
    ];
    let range = request.header("range").and_then(|r| r.strip_prefix("bytes="));
    let range = range.and_then(|r| r.split_once('-'));
    if let Some((from, to)) = range.and_then(|(a, b)| Some((a.parse::<usize>().ok()?, b.parse::<usize>().ok()))) {
        let end = to.map_or(content.len(), |t| (t + 1).min(content.len()));
        let Some(part) = content.get(from..end).filter(|p| !p.is_empty()) else {
            return Err(Refusal(416, Value::String("range not satisfiable".into())));
        };
        answer.status = 206;
        let range = format!("bytes {from}-{}/{}", end - 1, content.len());
        answer.headers.push(("Content-Range", range));
        answer.body = part.to_vec();
    } else {
        answer.body = content.to_vec();
    }
    Ok(answer)
}

/// JSON that a header can hold.
fn safe(json: &str) -> String {
    let mut out = String::new();
    let mut units = [0; 2];
    for c in json.chars() {
        if (' '..='~').contains(&c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out += &format!("\\u{unit:04x}");
            }
        }
    }
    out
}

fn check_hash(argument: &Value, content: &[u8]) -> Result<(), Refusal> {
    match argument.get("content_hash").and_then(Value::as_str) {
        Some(hash) if hash != content_hash(content) => {
            let tag = "content_hash_mismatch";
            Err(Refusal::conflict(json!({ ".tag": tag }), tag))
        }
        _ => Ok(()),
    }
}

/// Adds to an upload in parts; gives its name. `around` is the tag that errors are in.
fn append(argument: &Value, part: &[u8], close: bool, around: &str, state: &mut State) -> Result<String, Refusal> {
    let cursor = &argument["cursor"];
    let id = text(cursor, "session_id")?.to_owned();
    let refuse = |error: Value| {
        let tag = error[".tag"].as_str().unwrap_or_default().to_owned();
        if around.is_empty() {
            return Refusal::conflict(error, &tag);
        }
        Refusal::conflict(json!({ ".tag": around, around: error }), &format!("{around}/{tag}"))
    };
    let Some(upload) = state.sessions.upload(&id) else {
        return Err(refuse(json!({ ".tag": "not_found" })));
    };
    let at = upload.content.len();
    if cursor["offset"].as_u64() != Some(at as u64) {
        return Err(refuse(json!({ ".tag": "incorrect_offset", "correct_offset": at })));
    }
    if upload.closed && !part.is_empty() {
        return Err(refuse(json!({ ".tag": "closed" })));
    }
    upload.content.extend_from_slice(part);
    upload.closed |= close;
    Ok(id)
}

/// Puts `content` where `argument` says.
fn commit(argument: &Value, content: Vec<u8>, state: &mut State) -> Answer {
    let path = text(argument, "path")?.to_owned();
    let conflict = |tag: &str| {
        let reason = json!({ ".tag": "conflict", "conflict": { ".tag": tag } });
        let error = json!({ ".tag": "path", "reason": reason, "upload_session_id": "" });
        Refusal::conflict(error, &format!("path/conflict/{tag}"))
    };
    if state.files.is_folder(&path) {
        return Err(conflict("folder"));
    }
    let overwrite = argument["mode"] == "overwrite" || argument["mode"][".tag"] == "overwrite";
    if !overwrite && state.files.content(&path).is_some() {
        return Err(conflict("file"));
    }
    state.files.put(&path, content);
    let mut about = state.files.metadata(&path).unwrap_or_default();
    if let Some(fields) = about.as_object_mut() {
        fields.remove(".tag");
    }
    Ok(told(&about))
}
