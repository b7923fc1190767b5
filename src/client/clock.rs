//! One clock for all deadlines: milliseconds since this library was first asked.

use std::time::Instant;

use once_cell::race::OnceBox;

// A cell that waits for another thread would wait for ever in the child of a fork.
static START: OnceBox<Instant> = OnceBox::new();

pub fn now_ms() -> f64 {
    START.get_or_init(|| Box::new(Instant::now())).elapsed().as_secs_f64() * 1_000.0
}

/// When a timeout that begins now ends; -1 never does.
pub fn deadline_ms(timeout: i64) -> f64 {
    if timeout < 0 {
        f64::INFINITY
    } else {
        now_ms() + timeout as f64
    }
}

/// What is left until `deadline` as a duration, never negative and never more than a day.
pub fn left(deadline: f64) -> std::time::Duration {
    const DAY: f64 = 86_400_000.0;
    std::time::Duration::from_secs_f64((deadline - now_ms()).clamp(0.0, DAY) / 1_000.0)
}
