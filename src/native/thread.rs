//! Threads of our own, straight from the system. The standard library's take a process-wide lock as
//! they start and end, which the child of a fork may inherit locked.

use std::ffi::{c_void, CStr};
use std::io;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

use super::process::apart_from_fork;

/// A thread that runs on by itself unless it is joined.
pub struct Thread {
    id: libc::pthread_t,
}

// SAFETY: an id may be joined or detached by whichever thread holds it; only one does.
unsafe impl Send for Thread {}

impl Thread {
    /// Waits until it has ended.
    pub fn join(self) {
        // SAFETY: the id is of a thread that is neither joined nor detached yet; forgetting `self`
        // keeps it from being detached afterwards.
        unsafe { libc::pthread_join(self.id, std::ptr::null_mut()) };
        std::mem::forget(self);
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // SAFETY: as in `join`.
        unsafe { libc::pthread_detach(self.id) };
    }
}

struct Task {
    name: &'static CStr,
    body: Box<dyn FnOnce() + Send>,
}

extern "C" fn run(task: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn_with` made the box and gave it to this thread alone.
    let Task { name, body } = *unsafe { Box::from_raw(task.cast::<Task>()) };
    set_name(name);
    let _ = catch_unwind(AssertUnwindSafe(body));
    std::ptr::null_mut()
}

fn set_name(name: &CStr) {
    // SAFETY: the name is terminated and shorter than the 16 bytes that are the system's limit.
    unsafe {
        #[cfg(target_os = "macos")]
        libc::pthread_setname_np(name.as_ptr());
        #[cfg(target_os = "linux")]
        libc::pthread_setname_np(libc::pthread_self(), name.as_ptr());
    }
    let _ = name;
}

/// Starts a thread that leaves the process's signals to the host. A name has 15 bytes at the most.
pub fn spawn(name: &'static CStr, body: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    spawn_with(name, 512 * 1024, body)
}

fn spawn_with(name: &'static CStr, stack: usize, body: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    let task = Box::into_raw(Box::new(Task { name, body: Box::new(body) }));
    let mut id = std::mem::MaybeUninit::uninit();
    // SAFETY: the sets and attributes are valid for writing and initialised before use; this
    // thread's mask is restored; `task` is the new thread's if there is one, and ours again if not.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        libc::pthread_attr_init(&mut attributes);
        libc::pthread_attr_setstacksize(&mut attributes, stack);
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let code = apart_from_fork(|| libc::pthread_create(id.as_mut_ptr(), &attributes, run, task.cast()));
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        libc::pthread_attr_destroy(&mut attributes);
        if code != 0 {
            drop(Box::from_raw(task));
            return Err(io::Error::from_raw_os_error(code));
        }
        Ok(Thread { id: id.assume_init() })
    }
}

/// Whether the system would give `count` threads at once, with stacks as large as librdkafka's.
pub fn can_spawn(count: usize) -> io::Result<()> {
    let gate = Arc::new(Mutex::new(()));
    let mut threads = Vec::with_capacity(count);
    let held = gate.lock();
    let mut result = Ok(());
    while threads.len() < count && result.is_ok() {
        let gate = gate.clone();
        result = spawn_with(c"kafka-probe", 8 * 1024 * 1024, move || drop(gate.lock())).map(|thread| threads.push(thread));
    }
    drop(held);
    for thread in threads {
        thread.join();
    }
    result
}
