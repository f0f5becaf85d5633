//! Child processes that end when this process ends, however it ends.
//!
//! The kernel sends a child its death signal when the *thread* that started it ends, so all children are started by one
//! thread that lives as long as the process. Asking for that signal takes a system call between fork and exec, which safe
//! Rust has no way to; `setpriv` (util-linux, in every Debian) makes it and then becomes the server, under the same process
//! id. Where there is no setpriv, children are ended by this process alone, and outlive it only if it is killed.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::tools;

/// A child that runs, or ran.
pub struct Running(Child);

/// A command for a child that gets `on_death` when this process ends. It is in a process group of its own: a terminal's
/// Ctrl-C is for this process alone, which then ends its children in order.
pub fn command(program: &Path, on_death: Signal) -> Command {
    let mut command = match tools::in_path("setpriv").next() {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", on_death.as_str().trim_start_matches("SIG")]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// Starts it from the thread that lives as long as the process.
pub fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, SyncSender<io::Result<Child>>);
    static STARTER: LazyLock<Sender<Order>> = LazyLock::new(|| {
        let (orders, next) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in next {
                let _ = reply.send(command.spawn()); // Whoever asked waits for it.
            }
        });
        orders
    });
    let gone = || io::Error::other("the thread that starts children is gone");
    let (reply, answer) = sync_channel(1);
    STARTER.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

impl Running {
    /// Starts it.
    pub fn spawn(command: Command) -> io::Result<Running> {
        spawn(command).map(Running)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }

    /// Asks it to end by the first signal; by the next if that took too long; by force at last.
    pub fn stop(&mut self, signals: &[(Signal, Duration)]) {
        for (signal, patience) in signals {
            if self.ended().is_some() {
                return;
            }
            send(self.pid(), *signal);
            let start = Instant::now();
            while self.ended().is_none() && start.elapsed() < *patience {
                thread::sleep(Duration::from_millis(5));
            }
        }
        self.kill();
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let _ = self.0.kill(); // It may end by itself between the two lines.
            let _ = self.0.wait();
        }
    }
}

/// Sends a signal to a process, if it is still there.
pub fn send(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = signal::kill(Pid::from_raw(pid), signal);
    }
}
