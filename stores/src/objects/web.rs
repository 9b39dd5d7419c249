//! Files behind HTTP: a file by its address, a folder by the page that lists it.

mod address;
mod fetch;
mod listing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use loopwright_core::config::Stores;
use loopwright_core::progress::Progress;
use loopwright_core::store::{Entry, Location, Store, StoreError, StoreErrorKind};
use url::Url;

use self::address::Site;
use self::fetch::{Fetcher, entry_of, status_kind};
use self::listing::Link;
use super::{MOST_BYTES, error};

/// Most bytes of a page, most pages, most files, and most folders in one another.
const MOST_PAGE: u64 = 64 << 20;
const MOST_PAGES: usize = 100_000;
const MOST_FILES: usize = 2_000_000;
const DEEPEST: usize = 32;

/// Files that are asked after at once.
const AT_ONCE: usize = 8;

/// Opens the place at `address`.
pub(super) fn open(address: &str, settings: &Stores) -> Result<Location, StoreError> {
    let refuse = |why: String| error(address::without_login(address), StoreErrorKind::Unsupported(why));
    let (site, key) = Site::parse(address).map_err(refuse)?;
    let fetcher = Fetcher::new(&site, settings).map_err(refuse)?;
    let store = Web {
        site,
        fetcher,
        odd: Mutex::default(),
    };
    Ok(Location {
        store: Arc::new(store),
        key,
    })
}

/// A server of files.
#[derive(Debug)]
struct Web {
    site: Site,
    fetcher: Fetcher,
    /// Addresses of listed files whose names are no text, or would be others when written as keys.
    odd: Mutex<HashMap<String, Url>>,
}

/// A page that was found.
struct Page {
    url: Url,
    links: Vec<Link>,
}

enum Found {
    File(Entry),
    Folder(Page),
}

impl Web {
    fn error(&self, key: &str, kind: StoreErrorKind) -> StoreError {
        error(self.uri(key), kind)
    }

    fn odd(&self) -> std::sync::MutexGuard<'_, HashMap<String, Url>> {
        self.odd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of `key`.
    fn url(&self, key: &str) -> Result<Url, StoreError> {
        if let Some(url) = self.odd().get(key) {
            return Ok(url.clone());
        }
        let no_address = || StoreErrorKind::Unsupported("is no name that an address can hold".into());
        self.site.url(key).ok_or_else(|| self.error(key, no_address()))
    }

    /// What lies at `url`, which `key` stands for; none where nothing does.
    fn look(&self, key: &str, url: &Url, progress: &dyn Progress) -> Result<Option<Found>, StoreError> {
        let failed = |kind| self.error(key, kind);
        let mut answer = self.fetcher.ask("GET", url, &[], progress).map_err(failed)?;
        match answer.status() {
            200 => {}
            404 | 410 => return Ok(None),
            status => return Err(failed(status_kind(status, self.site.has_login()))),
        }
        let page_like = answer.is_page();
        if !page_like && answer.url.path().ends_with('/') && answer.url.query().is_none() {
            let why = "is a folder that its server does not list: switch listings on there (nginx: autoindex; Apache: \
                       Options +Indexes), or name the files";
            return Err(failed(StoreErrorKind::Refused(why.into())));
        }
        if !page_like || url.query().is_some() {
            return Ok(Some(Found::File(entry_of(key.to_owned(), &answer))));
        }
        let html = answer.rest(MOST_PAGE, progress).map_err(failed)?;
        let links = listing::links(&String::from_utf8_lossy(&html), &answer.url);
        if links.is_empty() && !answer.url.path().ends_with('/') {
            let why = "is a page, neither a recording nor a list of any beneath it: name the folder, with / at its end";
            return Err(failed(StoreErrorKind::Refused(why.into())));
        }
        Ok(Some(Found::Folder(Page {
            url: answer.url.clone(),
            links,
        })))
    }

    /// The files beneath a page, by key.
    fn walk(&self, key: &str, first: Page, progress: &dyn Progress) -> Result<BTreeMap<String, Url>, StoreError> {
        let mut files = BTreeMap::new();
        let mut seen = BTreeSet::from([first.url.clone()]);
        let top = listing::folder(&first.url);
        let mut waiting = vec![(key.to_owned(), 0, first)];
        let endless = |key: &str, what: &str| {
            let why = format!("lists {what}: name a folder beneath");
            self.error(key, StoreErrorKind::Refused(why))
        };
        while let Some((key, depth, page)) = waiting.pop() {
            for link in page.links {
                let (name, plain) = link.key();
                let key = if key.is_empty() { name } else { format!("{key}/{name}") };
                if !link.folder {
                    if !plain {
                        self.odd().insert(key.clone(), link.url.clone());
                    }
                    files.insert(key, link.url);
                    if files.len() > MOST_FILES {
                        return Err(endless(&key_of(&waiting), "more files than can be"));
                    }
                    continue;
                }
                if !seen.insert(link.url.clone()) {
                    continue;
                }
                if depth + 1 > DEEPEST || seen.len() > MOST_PAGES {
                    return Err(endless(&key, "folders without end"));
                }
                match self.look(&key, &link.url, progress)? {
                    // A folder that leads elsewhere is a link that leads up, or out.
                    Some(Found::Folder(page)) => {
                        let moved = page.url != link.url;
                        if !moved || (listing::beneath(&page.url, &top) && seen.insert(page.url.clone())) {
                            waiting.push((key, depth + 1, page));
                        }
                    }
                    Some(Found::File(_)) => {
                        files.insert(key, link.url);
                    }
                    None => {
                        let why = "is listed, but is not there: mend the link, or name a folder beneath".to_owned();
                        return Err(self.error(&key, StoreErrorKind::Refused(why)));
                    }
                }
            }
        }
        Ok(files)
    }

    /// Asks after size and state of each file, some at once.
    fn details(&self, files: BTreeMap<String, Url>, progress: &dyn Progress) -> Result<Vec<Entry>, StoreError> {
        let files: Vec<(String, Url)> = files.into_iter().collect();
        let next = AtomicUsize::new(0);
        let failed = std::sync::atomic::AtomicBool::new(false);
        let work = || {
            let mut done = Vec::new();
            while let Some((key, url)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                if failed.load(Ordering::Relaxed) {
                    break;
                }
                match self.fetcher.ask("HEAD", url, &[], progress) {
                    Ok(answer) if answer.status() == 200 => done.push(entry_of(key.clone(), &answer)),
                    // What cannot be asked after can perhaps be read; if not, reading tells why.
                    Ok(_) => done.push(Entry {
                        key: key.clone(),
                        bytes: None,
                        fingerprint: None,
                    }),
                    Err(kind) => {
                        failed.store(true, Ordering::Relaxed);
                        return Err(self.error(key, kind));
                    }
                }
            }
            Ok(done)
        };
        let threads = AT_ONCE.min(files.len());
        let parts: Vec<Result<Vec<Entry>, StoreError>> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let gone = |_| {
                let why = StoreErrorKind::Unreachable("a thread ended early".into());
                Err(self.error("", why))
            };
            running.into_iter().map(|t| t.join().unwrap_or_else(gone)).collect()
        });
        let mut entries = Vec::with_capacity(files.len());
        for part in parts {
            entries.extend(part?);
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    fn content(&self, key: &str, fingerprint: Option<&str>, progress: &dyn Progress) -> Result<Vec<u8>, StoreError> {
        let url = self.url(key)?;
        let content = self.fetcher.content(&url, fingerprint, MOST_BYTES, progress);
        content.map_err(|kind| self.error(key, kind))
    }

    fn read_only(&self, key: &str) -> StoreError {
        let why = "what lies behind HTTP can be read, not written: name a folder on this machine, dropbox: or s3:";
        self.error(key, StoreErrorKind::Unsupported(why.into()))
    }
}

/// The folder that was last put off, for an error.
fn key_of(waiting: &[(String, usize, Page)]) -> String {
    waiting.last().map(|w| w.0.clone()).unwrap_or_default()
}

impl Store for Web {
    fn uri(&self, key: &str) -> String {
        let url = self.odd().get(key).cloned().or_else(|| self.site.url(key));
        match url {
            Some(url) => address::shown(&url),
            None => format!("{}{key}", self.site.root()),
        }
    }

    fn list(&self, key: &str, progress: &dyn Progress) -> Result<Vec<Entry>, StoreError> {
        let url = self.url(key)?;
        let mut found = self.look(key, &url, progress)?;
        if found.is_none() && !url.path().ends_with('/') && url.query().is_none() {
            let mut folder = url.clone();
            folder.set_path(&format!("{}/", url.path()));
            found = self.look(key, &folder, progress)?;
        }
        match found {
            None => Err(self.error(key, StoreErrorKind::NotFound)),
            Some(Found::File(entry)) => Ok(vec![entry]),
            Some(Found::Folder(page)) => self.details(self.walk(key, page, progress)?, progress),
        }
    }

    fn read(&self, entry: &Entry, progress: &dyn Progress) -> Result<Vec<u8>, StoreError> {
        self.content(&entry.key, entry.fingerprint.as_deref(), progress)
    }

    fn get(&self, key: &str, progress: &dyn Progress) -> Result<Option<Vec<u8>>, StoreError> {
        match self.content(key, None, progress) {
            Ok(content) => Ok(Some(content)),
            Err(e) if matches!(e.kind, StoreErrorKind::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn put(&self, key: &str, _: &[u8], _: &dyn Progress) -> Result<(), StoreError> {
        Err(self.read_only(key))
    }

    fn remove(&self, key: &str, _: &dyn Progress) -> Result<(), StoreError> {
        Err(self.read_only(key))
    }
}
