//! Threads of the client's own, for calls of librdkafka that can only block.
//!
//! Each call gets a thread that has nothing else to do: a question to a dead broker must not hold
//! up the flush behind it.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::Arc;

use crate::native::thread::{self, Thread};

type Job = Box<dyn FnOnce() + Send>;

/// More than so many threads a client has not; further calls wait for one.
const MOST: usize = 16;

#[derive(Default)]
pub struct Workers {
    all: Vec<Worker>,
}

struct Worker {
    jobs: Sender<Job>,
    /// Jobs given and not done yet.
    busy: Arc<AtomicUsize>,
    thread: Thread,
}

impl Workers {
    /// Runs `job` on an idle thread, or a new one. False when there is none to be had.
    pub fn run(&mut self, job: impl FnOnce() + Send + 'static) -> bool {
        let least = self.all.iter().min_by_key(|worker| worker.busy.load(Ordering::Acquire));
        let idle = least.is_some_and(|worker| worker.busy.load(Ordering::Acquire) == 0);
        if !idle && self.all.len() < MOST {
            if let Ok(worker) = Worker::start() {
                self.all.push(worker);
            }
        }
        let least = self.all.iter().min_by_key(|worker| worker.busy.load(Ordering::Acquire));
        least.is_some_and(|worker| worker.run(job))
    }

    /// Waits for the jobs given so far and ends the threads. Not for the Lua thread.
    pub fn join(self) {
        for Worker { jobs, thread, .. } in self.all {
            drop(jobs);
            thread.join();
        }
    }
}

impl Worker {
    fn start() -> io::Result<Worker> {
        let (jobs, inbox) = channel::<Job>();
        let busy = Arc::new(AtomicUsize::new(0));
        let ours = busy.clone();
        let thread = thread::spawn(c"kafka-worker", move || {
            for job in inbox {
                // A job that panics has said so by not finishing; the next one is another's.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                ours.fetch_sub(1, Ordering::Release);
            }
        })?;
        Ok(Worker { jobs, busy, thread })
    }

    fn run(&self, job: impl FnOnce() + Send + 'static) -> bool {
        self.busy.fetch_add(1, Ordering::AcqRel);
        self.jobs.send(Box::new(job)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stuck_job_holds_nobody_up() {
        let mut workers = Workers::default();
        let (release, stuck) = channel::<()>();
        assert!(workers.run(move || {
            let _ = stuck.recv();
        }));
        let (tell, told) = channel();
        assert!(workers.run(move || {
            let _ = tell.send(());
        }));
        assert!(told.recv_timeout(std::time::Duration::from_secs(5)).is_ok());
        drop(release);
        workers.join();
    }
}
