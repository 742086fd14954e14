//! The judge: `LC_ALL=C grep -a -P`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

static FILES: AtomicUsize = AtomicUsize::new(0);

pub struct Grep {
    file: PathBuf,
}

pub enum Answer {
    /// The indexes of the lines that match.
    Lines(Vec<usize>),
    Refused(String),
    /// It ended early: PCRE2 gave up on a line.
    GaveUp,
}

impl Grep {
    /// Whether this machine has a grep with `-P`.
    pub fn is_there() -> bool {
        let output = Command::new("grep")
            .args(["-c", "-P", "^", "/dev/null"])
            .output();
        output.is_ok_and(|output| output.status.code() == Some(1))
    }

    /// grep over these lines.
    pub fn over(lines: &[Vec<u8>]) -> Self {
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("logscan-dialect-{}-{number}", std::process::id());
        let file = std::env::temp_dir().join(name);
        let mut content = lines.join(&b'\n');
        content.push(b'\n');
        fs::write(&file, content).expect("a temporary file");
        Self { file }
    }

    pub fn answer(&self, pattern: &str) -> Answer {
        let output = self.run(pattern);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        if message.contains("exceeded") || message.contains("exhausted") {
            return Answer::GaveUp;
        }
        if output.status.code() == Some(2) {
            return Answer::Refused(message);
        }
        let numbers = output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter_map(|line| {
                let digits = line.split(|byte| *byte == b':').next()?;
                String::from_utf8_lossy(digits).parse::<usize>().ok()
            });
        Answer::Lines(numbers.map(|number| number - 1).collect())
    }

    fn run(&self, pattern: &str) -> Output {
        Command::new("grep")
            .env("LC_ALL", "C")
            .args(["-a", "-n", "-P", "-e"])
            .arg(OsStr::from_bytes(pattern.as_bytes()))
            .arg(&self.file)
            .output()
            .expect("grep")
    }
}

impl Drop for Grep {
    fn drop(&mut self) {
        // A file that is left in the folder for temporary ones hurts nobody.
        let _ = fs::remove_file(&self.file);
    }
}
