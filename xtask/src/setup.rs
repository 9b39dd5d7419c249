//! What must be on the machine beside Rust, and how it gets there.

use std::process::Command;

use crate::{Outcome, shell};

/// A program that the build calls, how to see that it is there, and the Debian package that brings it.
struct Need {
    program: &'static str,
    check: &'static [&'static str],
    package: &'static str,
    why: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "cc",
        check: &["--version"],
        package: "build-essential",
        why: "compiles the MP3 encoder and links",
    },
    Need {
        program: "make",
        check: &["--version"],
        package: "build-essential",
        why: "builds the MP3 encoder",
    },
];

/// Installs what is missing, where apt can; elsewhere says what to install.
pub(crate) fn system_packages() -> Outcome {
    let missing: Vec<&Need> = NEEDS.iter().filter(|n| !shell::works(n.program, n.check)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        eprintln!("missing: {} ({})", need.program, need.why);
    }
    let mut packages: Vec<&str> = missing.iter().map(|n| n.package).collect();
    packages.dedup();
    if !shell::works("apt-get", &["--version"]) {
        return Err(format!(
            "install these with your system's own means, then try again: {}",
            advice(&packages)
        ));
    }
    let root = shell::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let apt = |arguments: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.arg("apt-get");
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(&mut command)
    };
    // A list of packages that is out of date is no reason to stop: what is wanted may be in it all the same.
    if let Err(why) = apt(&["update"]) {
        eprintln!("{why}");
    }
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(&packages);
    apt(&install)
}

fn advice(packages: &[&str]) -> String {
    packages
        .iter()
        .map(|p| match *p {
            "build-essential" if cfg!(target_os = "macos") => "the command line tools (xcode-select --install)",
            "build-essential" if cfg!(windows) => "the Visual Studio Build Tools with C++",
            "build-essential" => "a C compiler and make (Fedora: gcc make; Arch: base-devel)",
            other => other,
        })
        .collect::<Vec<_>>()
        .join(", ")
}
