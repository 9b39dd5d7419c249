//! Who asks: from the environment, `.env`, or a login.

use std::fmt;
use std::path::{Path, PathBuf};

use loopwright_core::config::Stores;

use super::keep::{self, KeepError};
use super::secret::Secret;

const ACCESS: &str = "DROPBOX_ACCESS_TOKEN";
const REFRESH: &str = "DROPBOX_REFRESH_TOKEN";
const KEY: &str = "DROPBOX_APP_KEY";
const SECRET: &str = "DROPBOX_APP_SECRET";

/// What makes access tokens.
#[derive(Debug, Clone)]
pub struct Refresh {
    /// The refresh token.
    pub token: Secret,
    /// The key of the app that it was given to.
    pub app_key: String,
    /// The secret of that app, where it has one.
    pub app_secret: Option<Secret>,
}

/// What gets in. One of the two at least.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// A token that is good for some hours.
    pub access: Option<Secret>,
    /// What makes another.
    pub refresh: Option<Refresh>,
    /// Where they come from.
    pub origin: Origin,
}

/// Where credentials come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Variables of the environment.
    Environment,
    /// This file of variables.
    DotEnv(PathBuf),
    /// This login.
    Login(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("the environment"),
            Self::DotEnv(path) | Self::Login(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// None anywhere.
    #[error("not logged in to Dropbox: run `loopwright dropbox login`, or set DROPBOX_ACCESS_TOKEN{}", aside(.0))]
    None(Option<String>),
    /// A variable that holds something else.
    #[error("{place}: {name} is no token: it is empty, or holds spaces or letters outside ASCII")]
    Malformed {
        /// The environment or a file.
        place: Origin,
        /// The variable.
        name: &'static str,
    },
    /// A refresh token of nobody knows which app.
    #[error("{0}: DROPBOX_REFRESH_TOKEN is set, but not DROPBOX_APP_KEY, the key of the app that it was given to")]
    NoKey(Origin),
    /// Of the login.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// A login at another server.
    #[error("{}: is a login at another server ([stores] dropbox_url): run `loopwright dropbox login` again", .0.display())]
    Elsewhere(PathBuf),
}

fn aside(note: &Option<String>) -> String {
    note.as_ref().map_or_else(String::new, |n| format!(" ({n})"))
}

/// Variables by their names.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Variables of the process.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The variables of the file `.env` in `folder`; none where there is none, or an account of what is wrong with it that
/// repeats nothing of it.
fn dot_env(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let path = folder.join(".env");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let wrong = |_| format!("{}: cannot be read as variables", path.display());
    // Reading a file of variables for its values leaves the process's own alone.
    let found: Result<Vec<_>, _> = dotenvy::from_path_iter(&path).map_err(wrong)?.collect();
    found.map_err(wrong)
}

/// The key of the app that asks for access: from `variables`, `.env` in `folder`, or the settings.
pub fn app_key(settings: &Stores, variables: Variables<'_>, folder: &Path) -> Option<String> {
    let set = |v: &String| !v.trim().is_empty();
    let file = || {
        dot_env(folder)
            .ok()?
            .into_iter()
            .find(|(n, _)| n == KEY)
            .map(|(_, v)| v)
    };
    let key = variables(KEY).filter(set).or_else(file).filter(set);
    let key = key.or_else(|| settings.dropbox_app_key.clone().filter(set));
    key.map(|k| k.trim().to_owned())
}

/// The credentials of `variables`, or of `.env` in `folder`, or of the login in the file `login`, for `server` (none is
/// Dropbox itself). Tokens come from one of these places, never from two.
///
/// # Errors
///
/// [`CredentialsError`].
pub(super) fn find(
    settings: &Stores,
    variables: Variables<'_>,
    folder: &Path,
    login: Result<PathBuf, KeepError>,
    server: Option<&str>,
) -> Result<Credentials, CredentialsError> {
    let key = || app_key(settings, variables, folder);
    if let Some(found) = of(variables, Origin::Environment, key())? {
        return Ok(found);
    }
    let (file, note) = match dot_env(folder) {
        Ok(file) => (file, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let in_file = |name: &str| file.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    // The environment goes before the file in all but the tokens, of which it has none.
    let both = |name: &str| {
        variables(name)
            .filter(|v| !v.trim().is_empty())
            .or_else(|| in_file(name))
    };
    if let Some(found) = of(&both, Origin::DotEnv(folder.join(".env")), key())? {
        return Ok(found);
    }
    let path = match login {
        Ok(path) => path,
        Err(KeepError::NoFolder) => return Err(CredentialsError::None(note)),
        Err(e) => return Err(e.into()),
    };
    let kept = keep::load(&path)?.ok_or(CredentialsError::None(note))?;
    if kept.server.as_deref() != server {
        return Err(CredentialsError::Elsewhere(path));
    }
    Ok(Credentials {
        access: None,
        refresh: Some(Refresh {
            token: kept.refresh_token,
            app_key: kept.app_key,
            app_secret: None,
        }),
        origin: Origin::Login(path),
    })
}

fn of(variables: Variables<'_>, origin: Origin, key: Option<String>) -> Result<Option<Credentials>, CredentialsError> {
    let token = |name: &'static str| {
        let set = variables(name).filter(|v| !v.trim().is_empty());
        let malformed = || CredentialsError::Malformed {
            place: origin.clone(),
            name,
        };
        set.map(|v| Secret::new(v).ok_or_else(malformed)).transpose()
    };
    let (access, refresh) = (token(ACCESS)?, token(REFRESH)?);
    let refresh = match (refresh, key) {
        (Some(refresh), Some(app_key)) => Some(Refresh {
            token: refresh,
            app_key,
            app_secret: token(SECRET)?,
        }),
        // An access token does without.
        (Some(_), None) if access.is_none() => return Err(CredentialsError::NoKey(origin)),
        _ => None,
    };
    let found = Credentials {
        access,
        refresh,
        origin: origin.clone(),
    };
    Ok((found.access.is_some() || found.refresh.is_some()).then_some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(variables: &[(&str, &str)], file: &str, login: Option<&str>) -> Result<Credentials, String> {
        let tmp = tempfile::tempdir().unwrap();
        if !file.is_empty() {
            std::fs::write(tmp.path().join(".env"), file).unwrap();
        }
        let path = tmp.path().join("credentials/dropbox.json");
        if let Some(token) = login {
            let kept = keep::Kept {
                app_key: "kept-key".into(),
                refresh_token: Secret::new(token.into()).unwrap(),
                scope: String::new(),
                server: None,
            };
            keep::save(&path, &kept).unwrap();
        }
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let found = find(&Stores::default(), &get, tmp.path(), Ok(path), None);
        assert!(
            std::env::var_os(ACCESS).is_none(),
            "the process's own variables changed"
        );
        found.map_err(|e| {
            let text = format!("{e} {e:?}");
            assert!(!text.contains("canary"), "{text}");
            text
        })
    }

    #[test]
    fn the_environment_goes_before_the_file_and_that_before_the_login() {
        let env = [(ACCESS, "canary-a")];
        let file = "DROPBOX_ACCESS_TOKEN='canary-b'\n";
        let access = |c: Result<Credentials, String>| c.unwrap().access.unwrap().reveal().to_owned();
        assert_eq!(access(look(&env, file, Some("canary-c"))), "canary-a");
        assert_eq!(access(look(&[], file, Some("canary-c"))), "canary-b");
        assert_eq!(access(look(&[(ACCESS, "  ")], file, None)), "canary-b");
        let kept = look(&[(KEY, "key")], "OTHER=1\n", Some("canary-c"))
            .unwrap()
            .refresh
            .unwrap();
        assert_eq!((kept.token.reveal(), kept.app_key.as_str()), ("canary-c", "kept-key"));
    }

    #[test]
    fn tokens_of_two_places_are_not_mixed() {
        let file = "DROPBOX_REFRESH_TOKEN=canary-b\nDROPBOX_APP_KEY=key\nDROPBOX_APP_SECRET=canary-s\n";
        assert!(look(&[(ACCESS, "canary-a")], file, None).unwrap().refresh.is_none());
        let both = look(&[], file, None).unwrap().refresh.unwrap();
        assert_eq!((both.token.reveal(), both.app_key.as_str()), ("canary-b", "key"));
        assert_eq!(both.app_secret.unwrap().reveal(), "canary-s");
        // The key alone may come from elsewhere.
        let env = [(REFRESH, "canary-a")];
        assert_eq!(
            look(&env, "DROPBOX_APP_KEY=key\n", None)
                .unwrap()
                .refresh
                .unwrap()
                .app_key,
            "key"
        );
    }

    #[test]
    fn what_is_wrong_is_told_without_the_token() {
        assert!(look(&[], "", None).unwrap_err().contains("dropbox login"));
        assert!(
            look(&[], "DROPBOX_ACCESS_TOKEN='canary\n", None)
                .unwrap_err()
                .contains(".env")
        );
        assert!(look(&[(ACCESS, "canary a")], "", None).unwrap_err().contains(ACCESS));
        assert!(look(&[(REFRESH, "canary")], "", None).unwrap_err().contains(KEY));
    }
}
