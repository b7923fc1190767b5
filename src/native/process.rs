//! The process around us: fork generations, `exit`, signals, and the OpenSSL that must outlive both.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Rises by one in every forked child; whatever is of another generation is the parent's.
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// Threads inside `rd_kafka_new` or a destroy, where librdkafka holds process-wide locks, or that
/// start a thread: glibc recycles an ended thread's stack in steps, and the child of a fork between
/// two of them frees the same memory twice when it starts a thread of its own.
static GUARDED: AtomicU32 = AtomicU32::new(0);
/// A thread is forking: nobody may enter a guarded call.
static FORKING: AtomicBool = AtomicBool::new(false);

/// Threads inside the system's resolver, which has locks of its own.
static RESOLVING: AtomicU32 = AtomicU32::new(0);

/// A look-up may take long, its locks are held for moments only.
const RESOLVER_PATIENCE: Duration = Duration::from_millis(200);

/// How long a fork waits for clients being made or destroyed by other threads.
const FORK_PATIENCE: Duration = Duration::from_secs(2);

pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Runs `body` (see [`GUARDED`]) at a moment when nobody forks: a lock held at fork by a thread that
/// the child does not have would stay locked there for ever. Not to be nested: the inner call would
/// wait for a fork that waits for the outer one.
pub fn apart_from_fork<T>(body: impl FnOnce() -> T) -> T {
    loop {
        GUARDED.fetch_add(1, Ordering::SeqCst);
        if !FORKING.load(Ordering::SeqCst) {
            break;
        }
        GUARDED.fetch_sub(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_micros(100));
    }
    let generation = generation();
    let result = body();
    if generation == self::generation() {
        GUARDED.fetch_sub(1, Ordering::SeqCst);
    }
    result
}

/// Runs `body`, which resolves a name, unless somebody is forking: then nothing, at once. It must
/// not wait for the fork, which may be waiting for a destroy that waits for this thread.
pub fn unless_forking<T>(body: impl FnOnce() -> T) -> Option<T> {
    RESOLVING.fetch_add(1, Ordering::SeqCst);
    let result = (!FORKING.load(Ordering::SeqCst)).then(body);
    RESOLVING.fetch_sub(1, Ordering::SeqCst);
    result
}

fn wait_for_none(count: &AtomicU32, patience: Duration) {
    let start = Instant::now();
    while count.load(Ordering::SeqCst) > 0 && start.elapsed() < patience {
        std::thread::sleep(Duration::from_micros(50));
    }
}

extern "C" fn before_fork() {
    FORKING.store(true, Ordering::SeqCst);
    wait_for_none(&GUARDED, FORK_PATIENCE);
    wait_for_none(&RESOLVING, RESOLVER_PATIENCE);
}

extern "C" fn after_fork_in_parent() {
    FORKING.store(false, Ordering::SeqCst);
}

extern "C" fn after_fork_in_child() {
    GENERATION.fetch_add(1, Ordering::SeqCst);
    GUARDED.store(0, Ordering::SeqCst);
    RESOLVING.store(0, Ordering::SeqCst);
    FORKING.store(false, Ordering::SeqCst);
}

/// Once a process: OpenSSL without its own exit handler (it would run under live TLS threads),
/// the fork handlers, and `at_exit` to be called by `exit`.
pub fn install(at_exit: extern "C" fn()) {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::SeqCst) {
        return;
    }
    openssl_sys::init();
    // SAFETY: the handlers are functions of this library, which is linked NODELETE and so is
    // mapped for as long as the process lives; they touch atomics only.
    unsafe {
        libc::pthread_atfork(Some(before_fork), Some(after_fork_in_parent), Some(after_fork_in_child));
        libc::atexit(at_exit);
    }
    pin_library();
}

/// Where the linker knows no NODELETE, the library holds a reference to itself.
#[cfg(not(target_os = "linux"))]
fn pin_library() {
    // SAFETY: dladdr fills `info` for an address of this library; its name is then a valid path.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(after_fork_in_child as *const libc::c_void, &mut info) != 0 && !info.dli_fname.is_null() {
            libc::dlopen(info.dli_fname, libc::RTLD_NOW | libc::RTLD_NODELETE);
        }
    }
}

#[cfg(target_os = "linux")]
fn pin_library() {}

/// One line on stderr, written at once and without any lock a dying process may hold. Where nobody
/// reads any more, nobody is told: the signal that the system has for that would end the process,
/// and a full pipe would keep it for ever.
pub fn warn(line: &str) {
    const PATIENCE_MS: i32 = 100;
    let text = format!("kafka: {line}\n");
    // SAFETY: the sets are valid for writing and initialised before use, this thread's mask is
    // restored; `text` is readable for its length; 2 is stderr or an error that write reports.
    unsafe {
        let mut stderr = libc::pollfd { fd: 2, events: libc::POLLOUT, revents: 0 };
        if libc::poll(&mut stderr, 1, PATIENCE_MS) == 0 {
            return;
        }
        let mut pipe: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        let mut pending: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut pipe);
        libc::sigaddset(&mut pipe, libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, &pipe, &mut before);
        libc::sigpending(&mut pending);
        let was_pending = libc::sigismember(&pending, libc::SIGPIPE) == 1;
        let wrote = libc::write(2, text.as_ptr().cast(), text.len());
        if wrote < 0 && !was_pending && std::io::Error::last_os_error().raw_os_error() == Some(libc::EPIPE) {
            libc::sigpending(&mut pending);
            if libc::sigismember(&pending, libc::SIGPIPE) == 1 {
                libc::sigwait(&pipe, &mut 0); // ours: taken back before the mask is
            }
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
    }
}

/// Milliseconds of a clock that only runs forward, cheap and coarse (a few ms).
pub fn coarse_ms() -> u64 {
    #[cfg(target_os = "linux")]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC_COARSE;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for writing.
    unsafe { libc::clock_gettime(CLOCK, &mut now) };
    now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000
}
