//! A thread of the client's own, for calls of librdkafka that can only block.

use std::io;
use std::sync::mpsc::{channel, Sender};
use std::thread::JoinHandle;

use crate::native::process;

type Job = Box<dyn FnOnce() + Send>;

pub struct Worker {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub fn start() -> io::Result<Worker> {
        let (jobs, inbox) = channel::<Job>();
        let thread = process::spawn("kafka-worker", move || {
            for job in inbox {
                // A job that panics has said so by not finishing; the next one is another's.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            }
        })?;
        Ok(Worker { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `job` after those given before. False when the thread is gone.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.send(Box::new(job)).is_ok())
    }

    /// Waits for the jobs given so far and ends the thread. Not for the Lua thread.
    pub fn join(mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
