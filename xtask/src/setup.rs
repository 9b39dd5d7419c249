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

/// What tests need beyond the build, how to see that it is there, and the Debian package that brings it. Tests skip what
/// they cannot do, so that none of this is a must.
struct Extra {
    check: Check,
    package: &'static str,
    why: &'static str,
}

enum Check {
    /// A program that runs.
    Program(&'static str, &'static [&'static str]),
    /// Any of these programs, which all tell their version.
    AnyOf(&'static [&'static str]),
    /// Any of these programs, which tell their version so.
    AnyOfAt(&'static [&'static str], &'static str),
    /// A library that the system's loader finds.
    Library(&'static str),
}

const EXTRAS: &[Extra] = &[
    Extra {
        check: Check::Program("Xvfb", &["-help"]),
        package: "xvfb",
        why: "the display of the editor's tests",
    },
    Extra {
        check: Check::Library("libGL.so.1"),
        package: "libgl1",
        why: "the editor draws with OpenGL",
    },
    Extra {
        check: Check::Library("libEGL.so.1"),
        package: "libegl1",
        why: "the editor draws with OpenGL",
    },
    Extra {
        check: Check::Library("libGLX_mesa.so.0"),
        package: "libglx-mesa0",
        why: "OpenGL without a graphics card",
    },
    Extra {
        check: Check::Library("libX11-xcb.so.1"),
        package: "libx11-xcb1",
        why: "the editor's window",
    },
    Extra {
        check: Check::Library("libXcursor.so.1"),
        package: "libxcursor1",
        why: "the editor's window",
    },
    Extra {
        check: Check::Library("libxkbcommon-x11.so.0"),
        package: "libxkbcommon-x11-0",
        why: "the editor's keys",
    },
    Extra {
        check: Check::Program("python3", &["-c", "import venv, ensurepip"]),
        package: "python3-venv",
        why: "hosts that Python drives",
    },
    Extra {
        check: Check::AnyOf(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
        package: "chromium",
        why: "the page of `loopwright report`",
    },
    Extra {
        check: Check::AnyOfAt(&["nginx", "/usr/sbin/nginx"], "-v"),
        package: "nginx-light",
        why: "the folders that a web server lists",
    },
];

impl Check {
    fn holds(&self, libraries: &str) -> bool {
        match self {
            Self::Program(program, arguments) => shell::works(program, arguments),
            Self::AnyOf(programs) => programs.iter().any(|p| shell::works(p, &["--version"])),
            Self::AnyOfAt(programs, version) => programs.iter().any(|p| shell::works(p, &[version])),
            Self::Library(name) => libraries.contains(name),
        }
    }
}

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
    apt(&packages, &[])
}

/// Installs what tests need, where apt can; elsewhere says what will be skipped.
pub(crate) fn test_packages() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let libraries = ["ldconfig", "/sbin/ldconfig"]
        .into_iter()
        .find_map(|program| shell::capture(Command::new(program).arg("-p")).ok())
        .unwrap_or_default();
    let missing: Vec<&Extra> = EXTRAS.iter().filter(|e| !e.check.holds(&libraries)).collect();
    if missing.is_empty() {
        return;
    }
    let packages: Vec<&str> = missing.iter().map(|e| e.package).collect();
    let done = if shell::works("apt-get", &["--version"]) {
        // Nobody is asked for a password for what can be done without.
        apt(&packages, &["-n"])
    } else {
        Err("there is no apt-get".into())
    };
    if let Err(why) = done {
        for extra in missing {
            eprintln!("tests: some will be SKIPPED without {} ({})", extra.package, extra.why);
        }
        eprintln!("tests: {why}");
    }
}

/// Updates the list of packages and installs some; `sudo` are arguments of that.
fn apt(packages: &[&str], sudo: &[&str]) -> Outcome {
    let root = shell::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let apt = |arguments: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.args(sudo).arg("apt-get");
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(&mut command)
    };
    // A list of packages that is out of date is no reason to stop: what is wanted may be in it all the same.
    if let Err(why) = apt(&["update"]) {
        eprintln!("{why}");
    }
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(packages);
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
