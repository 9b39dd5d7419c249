//! Files in their places, beside those that are there.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use loopwright_core::export::destination::create_file;

use super::{LibraryError, Rendered};

/// Most files of one name.
const MOST: u32 = 10_000;

/// Files are compared in pieces of this many bytes.
const PIECE: usize = 1 << 14;

/// Where a set of files is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// The item's own file.
    pub(crate) main: PathBuf,
    /// What belongs to it.
    pub(crate) others: Vec<PathBuf>,
}

/// Writes a set of files below `folder` under the first of its names that are free or hold the same already: all of them, or
/// none.
pub(crate) fn keep_in(folder: &Path, files: &Rendered) -> Result<Written, LibraryError> {
    for number in 1..=MOST {
        if let Some(paths) = attempt(folder, files, number)? {
            let mut paths = paths.into_iter();
            let main = paths.next().ok_or(LibraryError::Empty)?;
            return Ok(Written {
                main,
                others: paths.collect(),
            });
        }
    }
    Err(LibraryError::Crowded {
        path: folder.join(&files.unit),
    })
}

/// Copies a file into `folder`, under another name where its own is taken by another.
pub(crate) fn copy_in(folder: &Path, file: &Path) -> Result<PathBuf, LibraryError> {
    let read = |source| LibraryError::Folder {
        path: file.to_path_buf(),
        source,
    };
    let name = file
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or("capture.wav")
        .to_owned();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(s, _)| s).to_owned();
    let files = Rendered {
        files: vec![(name, fs::read(file).map_err(read)?)],
        unit: stem,
    };
    Ok(keep_in(folder, &files)?.main)
}

/// The set under its names with `number`; `None` where one of them is another file's.
fn attempt(folder: &Path, files: &Rendered, number: u32) -> Result<Option<Vec<PathBuf>>, LibraryError> {
    let paths: Vec<PathBuf> = files
        .files
        .iter()
        .map(|(p, _)| folder.join(named(p, &files.unit, number)))
        .collect();
    // Nothing is begun that a name stands in the way of.
    for (path, (_, content)) in paths.iter().zip(&files.files) {
        if there(path, content) == Some(false) {
            return Ok(None);
        }
    }
    let mut new: Vec<&PathBuf> = Vec::new();
    for (path, (_, content)) in paths.iter().zip(&files.files) {
        if there(path, content) == Some(true) {
            continue;
        }
        match create(path, content) {
            Ok(true) => new.push(path),
            // Somebody was quicker: with the same, or with another.
            Ok(false) if there(path, content) == Some(true) => {}
            Ok(false) => {
                undo(&new);
                return Ok(None);
            }
            Err(e) => {
                undo(&new);
                return Err(e);
            }
        }
    }
    let mut folders: Vec<&Path> = new.iter().filter_map(|p| p.parent()).collect();
    folders.dedup();
    folders.into_iter().for_each(sync);
    Ok(Some(paths))
}

/// `Song/break_01/groove.mid` with 2: `Song/break_01 (2)/groove.mid`.
fn named(path: &str, unit: &str, number: u32) -> String {
    match path.strip_prefix(unit) {
        Some(rest) if number > 1 => format!("{unit} ({number}){rest}"),
        _ => path.to_owned(),
    }
}

/// Whether there is a file with this content; `None` where there is nothing at all.
fn there(path: &Path, content: &[u8]) -> Option<bool> {
    let found = fs::symlink_metadata(path).ok()?;
    let same = found.is_file()
        && found.len() == content.len() as u64
        && fs::File::open(path).is_ok_and(|file| reads_as(file, content));
    Some(same)
}

/// Whether `file` holds `content`. Reads no further than the first piece that differs: loops of one tempo have files of one
/// name and one length, and there may be thousands of them.
fn reads_as(mut file: impl Read, content: &[u8]) -> bool {
    let mut piece = vec![0; PIECE];
    let mut rest = content;
    loop {
        let count = match file.read(&mut piece) {
            Ok(count) => count,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return false,
        };
        if count == 0 {
            return rest.is_empty();
        }
        let (Some(read), Some((wanted, after))) = (piece.get(..count), rest.split_at_checked(count)) else {
            return false;
        };
        if read != wanted {
            return false;
        }
        rest = after;
    }
}

fn create(path: &Path, content: &[u8]) -> Result<bool, LibraryError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| LibraryError::Folder {
            path: folder.to_path_buf(),
            source,
        })?;
    }
    Ok(create_file(path, |out| out.write_all(content))?)
}

/// Takes back what was begun: nobody knows of these files yet.
fn undo(new: &[&PathBuf]) {
    for path in new {
        let _ = fs::remove_file(path);
    }
}

/// Makes new names last through a power cut, where the system can.
fn sync(folder: &Path) {
    if cfg!(unix) {
        let _ = fs::File::open(folder).and_then(|f| f.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(files: &[(&str, &str)], unit: &str) -> Rendered {
        Rendered {
            files: files
                .iter()
                .map(|(p, c)| ((*p).to_owned(), c.as_bytes().to_vec()))
                .collect(),
            unit: unit.into(),
        }
    }

    #[test]
    fn nothing_is_replaced_and_the_same_is_not_written_twice() {
        let home = tempfile::tempdir().unwrap();
        let at = |p: &str| home.path().join(p);
        let one = set(&[("Song/a.wav", "one")], "Song/a");
        let two = set(&[("Song/a.wav", "two")], "Song/a");
        assert_eq!(keep_in(home.path(), &one).unwrap().main, at("Song/a.wav"));
        assert_eq!(keep_in(home.path(), &two).unwrap().main, at("Song/a (2).wav"));
        assert_eq!(keep_in(home.path(), &one).unwrap().main, at("Song/a.wav"));
        assert_eq!(keep_in(home.path(), &two).unwrap().main, at("Song/a (2).wav"));
        assert_eq!(fs::read(at("Song/a.wav")).unwrap(), b"one");
        assert_eq!(
            fs::read_dir(at("Song")).unwrap().count(),
            2,
            "no temporary file is left"
        );
    }

    #[test]
    fn files_are_compared_no_further_than_they_agree() {
        struct Counted<'a>(&'a [u8], usize);
        impl Read for Counted<'_> {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                // Not as much as there is room for, as from a network.
                let most = into.len().min(5000);
                let count = self.0.read(&mut into[..most])?;
                self.1 += count;
                Ok(count)
            }
        }
        let content: Vec<u8> = (0..1_000_000u32).map(|i| (i % 251) as u8).collect();
        assert!(reads_as(&content[..], &content));
        assert!(reads_as(Counted(&content, 0), &content));
        assert!(reads_as(&b""[..], b""));
        for (length, wanted) in [(999_999, 1_000_000), (1_000_000, 999_999)] {
            assert!(!reads_as(&content[..length], &content[..wanted]));
        }
        let mut other = content.clone();
        other[999_999] ^= 1;
        assert!(!reads_as(&other[..], &content));
        other[100] ^= 1;
        let mut counted = Counted(&other, 0);
        assert!(!reads_as(&mut counted, &content));
        assert!(counted.1 <= 2 * PIECE, "{} bytes read", counted.1);
    }

    /// A small file system; gone again when it is dropped.
    #[cfg(target_os = "linux")]
    struct Mounted(PathBuf);

    #[cfg(target_os = "linux")]
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount").arg(&self.0).status();
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_nothing_half_done_and_is_recovered_from() {
        let home = tempfile::tempdir().unwrap();
        let disk = home.path().join("disk");
        fs::create_dir(&disk).unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(&disk)
            .output();
        if !mount.is_ok_and(|m| m.status.success()) {
            eprintln!("skipped: no right to mount a small file system");
            return;
        }
        let mounted = Mounted(disk.clone());
        let half = "x".repeat(100 << 10);
        let kit = set(
            &[("S/b/x.wav", &half), ("S/b/y.wav", &half), ("S/b/z.wav", &half)],
            "S/b",
        );
        assert!(matches!(keep_in(&disk, &kit), Err(LibraryError::Export(_))));
        assert_eq!(fs::read_dir(disk.join("S/b")).unwrap().count(), 0, "nothing is left");
        let less = set(&[("S/b/x.wav", &half)], "S/b");
        assert_eq!(keep_in(&disk, &less).unwrap().main, disk.join("S/b/x.wav"));
        drop(mounted);
    }

    #[test]
    fn two_writers_at_once_lose_nothing() {
        let home = tempfile::tempdir().unwrap();
        let written: Vec<PathBuf> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..16)
                .map(|i| {
                    let folder = home.path();
                    // Half of them write the same.
                    let content = if i % 2 == 0 {
                        "same".to_owned()
                    } else {
                        format!("{i:04}")
                    };
                    scope.spawn(move || {
                        let files = set(&[("S/a.wav", &content)], "S/a");
                        let at = keep_in(folder, &files).unwrap().main;
                        assert_eq!(fs::read_to_string(&at).unwrap(), content);
                        at
                    })
                })
                .collect();
            writers.into_iter().map(|w| w.join().unwrap()).collect()
        });
        let mut names = written;
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 9, "{names:?}");
        assert_eq!(fs::read_dir(home.path().join("S")).unwrap().count(), 9);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_way_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("S")).unwrap();
        for (name, to) in [("a.wav", "elsewhere"), ("b.wav", "nothing")] {
            fs::write(home.path().join("elsewhere"), "mine").unwrap();
            std::os::unix::fs::symlink(home.path().join(to), home.path().join("S").join(name)).unwrap();
            let unit = format!("S/{}", &name[..1]);
            let at = keep_in(home.path(), &set(&[(&format!("S/{name}"), "new")], &unit)).unwrap();
            assert_eq!(at.main, home.path().join(format!("{unit} (2).wav")));
        }
        assert_eq!(fs::read_to_string(home.path().join("elsewhere")).unwrap(), "mine");
        assert!(!home.path().join("nothing").exists());
    }

    #[test]
    fn a_set_goes_where_all_of_it_has_room() {
        let home = tempfile::tempdir().unwrap();
        let at = |p: &str| home.path().join(p);
        keep_in(home.path(), &set(&[("S/b/x.wav", "x")], "S/b")).unwrap();
        fs::create_dir_all(at("S/b/hits")).unwrap();
        fs::write(at("S/b/hits/0.wav"), "another's").unwrap();
        let kit = set(
            &[("S/b/x.wav", "x"), ("S/b/hits/0.wav", "0"), ("S/b/g.mid", "g")],
            "S/b",
        );
        let written = keep_in(home.path(), &kit).unwrap();
        assert_eq!(written.main, at("S/b (2)/x.wav"));
        assert_eq!(written.others, [at("S/b (2)/hits/0.wav"), at("S/b (2)/g.mid")]);
        assert!(!at("S/b/g.mid").exists());
    }

    #[test]
    fn copies_keep_their_names() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("x.wav");
        fs::write(&file, "x").unwrap();
        let to = home.path().join("Exports");
        assert_eq!(copy_in(&to, &file).unwrap(), to.join("x.wav"));
        fs::write(&file, "y").unwrap();
        assert_eq!(copy_in(&to, &file).unwrap(), to.join("x (2).wav"));
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_finished_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        // A file where a folder must be.
        fs::create_dir_all(home.path().join("S/b")).unwrap();
        fs::write(home.path().join("S/b/hits"), "in the way").unwrap();
        let kit = set(&[("S/b/x.wav", "x"), ("S/b/hits/0.wav", "0")], "S/b");
        let error = keep_in(home.path(), &kit).unwrap_err();
        assert!(error.to_string().contains("choose another capture folder"), "{error}");
        assert!(!home.path().join("S/b/x.wav").exists());
    }
}
