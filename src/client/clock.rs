//! One clock for all deadlines: milliseconds since this library was first asked.

use std::time::Instant;

use once_cell::sync::Lazy;

static START: Lazy<Instant> = Lazy::new(Instant::now);

pub fn now_ms() -> f64 {
    START.elapsed().as_secs_f64() * 1_000.0
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
