//! Numbers as Lua has them: doubles that must turn out whole before Kafka may see them.

/// The largest integer a double holds exactly.
pub const EXACT: f64 = 9_007_199_254_740_992.0;

/// An integer of Lua 5.3+ as a double that is out of range whenever the integer is: the plain
/// conversion rounds 2^53+1 into range.
pub fn from_integer(value: i64) -> f64 {
    if value.unsigned_abs() > 1 << 53 {
        return (value as f64) + if value > 0 { 2.0 } else { -2.0 };
    }
    value as f64
}

/// `value` as an integer, or what is wrong with it.
#[inline]
pub fn whole(value: f64) -> Result<i64, String> {
    // Casting saturates, so the comparison fails for all that is not whole.
    let number = value as i64;
    if number as f64 == value && number.unsigned_abs() <= 1 << 53 {
        return Ok(number);
    }
    Err(not_whole(value))
}

#[cold]
fn not_whole(value: f64) -> String {
    if value.is_nan() {
        return "integer expected, got NaN".into();
    }
    if value.abs() > EXACT {
        return format!("integer between -2^53 and 2^53 expected, got {}", show(value));
    }
    format!("integer expected, got {}", show(value))
}

/// `value` as an integer in `low..=high`, or what is wrong with it.
pub fn within(value: f64, low: i64, high: i64) -> Result<i64, String> {
    let number = whole(value)?;
    if number < low || number > high {
        return Err(format!("integer between {low} and {high} expected, got {number}"));
    }
    Ok(number)
}

/// A timeout in milliseconds: 0 does not wait, -1 waits for ever.
pub fn timeout(value: f64) -> Result<i64, String> {
    if value == -1.0 {
        return Ok(-1);
    }
    within(value, 0, i64::from(i32::MAX))
        .map_err(|_| format!("timeout in milliseconds expected (0 = do not wait, -1 = for ever), got {}", show(value)))
}

/// As Lua prints it: no exponent or fraction where none is needed.
pub fn show(value: f64) -> String {
    if value.is_finite() && value.fract() == 0.0 && value.abs() < 1e16 {
        format!("{value:.0}")
    } else if value.is_finite() && (value.abs() >= 1e16 || value.abs() < 1e-4) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_exact_numbers_pass() {
        assert_eq!(whole(EXACT), Ok(1 << 53));
        assert_eq!(whole(-3.0), Ok(-3));
        assert_eq!(whole(from_integer(1 << 53)), Ok(1 << 53));
        assert!(whole(from_integer((1 << 53) + 1)).is_err() && whole(from_integer(-(1 << 53) - 1)).is_err());
        assert!(whole(1.5).is_err_and(|e| e.contains("1.5")));
        assert!(whole(f64::NAN).is_err());
        assert!(whole(EXACT + 2.0).is_err());
        assert!(whole(f64::INFINITY).is_err());
    }

    #[test]
    fn timeouts_know_minus_one_only() {
        assert_eq!(timeout(-1.0), Ok(-1));
        assert_eq!(timeout(0.0), Ok(0));
        assert!(timeout(-2.0).is_err());
        assert!(timeout(0.5).is_err());
        assert!(timeout(1e300).is_err());
    }
}
