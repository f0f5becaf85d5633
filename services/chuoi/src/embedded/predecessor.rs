//! The server that ran on a folder before, as its pid file names it. After a crash the file may name nobody, or by chance a
//! process that has nothing to do with it; after this process was killed, a server that is still ending.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{Error, Result, tried};

/// A server whose parent was killed ends by itself within this time; one that does not has a living parent.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until nobody serves the folder, and takes away the pid file.
pub fn wait_for_its_end(program: &'static str, pid_file: &Path, folder: &Path) -> Result<()> {
    let text = fs::read_to_string(pid_file).unwrap_or_default();
    let Some(pid) = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()) else {
        return Ok(());
    };
    let start = Instant::now();
    while serves(pid, folder) {
        if start.elapsed() > PATIENCE {
            return Err(Error::Busy { program, folder: folder.to_owned(), pid });
        }
        thread::sleep(Duration::from_millis(20));
    }
    if pid_file.exists() {
        tried(fs::remove_file(pid_file), || format!("remove {}", pid_file.display()))?;
    }
    Ok(())
}

/// True if the process was started with something in the folder among its arguments.
fn serves(pid: i32, folder: &Path) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).any(|argument| argument.starts_with(folder.as_os_str().as_bytes()))
}
