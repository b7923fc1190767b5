//! A descriptor that is readable exactly while its flag is up.
//!
//! Threads of librdkafka raise it, the Lua thread lowers it before it serves and waits on it,
//! and event loops poll it. Flag and descriptor change together under one lock: were they apart,
//! a raise that meets a lower could leave the flag up over an empty descriptor, and every later
//! raise would believe the reader awake.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

pub struct Wake {
    read: RawFd,
    write: RawFd,
    up: AtomicBool,
    /// Held while flag and descriptor change.
    change: Mutex<()>,
    /// Raised along with this one.
    followers: Mutex<Vec<Weak<Wake>>>,
    has_followers: AtomicBool,
}

impl Wake {
    pub fn new() -> io::Result<Wake> {
        let (read, write) = open_pair()?;
        Ok(Wake {
            read,
            write,
            up: AtomicBool::new(false),
            change: Mutex::new(()),
            followers: Mutex::default(),
            has_followers: AtomicBool::new(false),
        })
    }

    pub fn fd(&self) -> RawFd {
        self.read
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises `other` too whenever this one is raised.
    pub fn lead(&self, other: &Arc<Wake>) {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|follower| follower.strong_count() > 0);
        followers.push(Arc::downgrade(other));
        self.has_followers.store(true, Ordering::SeqCst);
    }

    /// Makes the descriptor readable.
    pub fn raise(&self) {
        self.raise_alone();
        if self.has_followers.load(Ordering::SeqCst) {
            let followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
            followers.iter().filter_map(Weak::upgrade).for_each(|follower| follower.raise_alone());
        }
    }

    fn raise_alone(&self) {
        let _guard = self.lock();
        if !self.up.swap(true, Ordering::SeqCst) {
            let one = 1u64;
            // SAFETY: `write` is open for as long as `self` lives, and eight bytes of `one` are
            // readable. The descriptor does not block; it is empty here, so the write fits.
            unsafe { libc::write(self.write, (&raw const one).cast(), 8) };
        }
    }

    /// Makes the descriptor unreadable; the caller then serves whatever raised it.
    pub fn lower(&self) {
        if !self.up.load(Ordering::SeqCst) {
            return;
        }
        let _guard = self.lock();
        if self.up.swap(false, Ordering::SeqCst) {
            let mut bytes = [0u8; 16];
            // SAFETY: `read` is open for as long as `self` lives and does not block; the buffer
            // holds the 16 bytes asked for.
            unsafe { libc::read(self.read, bytes.as_mut_ptr().cast(), bytes.len()) };
        }
    }

    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::SeqCst)
    }

    /// Waits until the descriptor is readable, `ms` have passed or a signal arrives.
    pub fn wait(&self, ms: i32) {
        let mut poll = libc::pollfd { fd: self.read, events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd is passed with count 1.
        unsafe { libc::poll(&mut poll, 1, ms) };
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        // SAFETY: both descriptors were opened by `new` and are closed once, here.
        unsafe {
            libc::close(self.read);
            if self.write != self.read {
                libc::close(self.write);
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn open_pair() -> io::Result<(RawFd, RawFd)> {
    // SAFETY: eventfd takes no pointers.
    let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((fd, fd))
}

#[cfg(not(target_os = "linux"))]
fn open_pair() -> io::Result<(RawFd, RawFd)> {
    let mut fds = [0; 2];
    // SAFETY: `pipe` fills the two places of `fds`; fcntl takes no pointers.
    unsafe {
        if libc::pipe(fds.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        for fd in fds {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
            libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK);
        }
    }
    let [read, write] = fds;
    Ok((read, write))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readable(wake: &Wake) -> bool {
        let mut poll = libc::pollfd { fd: wake.fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd is passed with count 1.
        unsafe { libc::poll(&mut poll, 1, 0) == 1 }
    }

    #[test]
    fn the_descriptor_follows_the_flag() -> io::Result<()> {
        let wake = Wake::new()?;
        assert!(!readable(&wake));
        wake.raise();
        wake.raise();
        assert!(readable(&wake) && wake.is_up());
        wake.lower();
        assert!(!readable(&wake) && !wake.is_up());
        Ok(())
    }

    #[test]
    fn no_raise_is_lost_against_lowering() -> io::Result<()> {
        let wake = Wake::new()?;
        let sent = std::sync::atomic::AtomicU64::new(0);
        const COUNT: u64 = 200_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..COUNT {
                    sent.fetch_add(1, Ordering::SeqCst);
                    wake.raise();
                }
            });
            let mut seen = 0;
            while seen < COUNT {
                wake.wait(5_000);
                assert!(readable(&wake), "woke without cause at {seen}");
                wake.lower();
                seen = sent.load(Ordering::SeqCst);
            }
        });
        Ok(())
    }
}
