//! What is wrong with a topic pattern. librdkafka refuses a subscription without a word about which
//! of its entries it could not take.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::raw::c_char;

use super::error::text;

/// Why a pattern is no regular expression, in the words of the C library, whose compiler librdkafka
/// uses in the same way.
pub fn fault(pattern: &CStr) -> Option<String> {
    let mut reason = [0 as c_char; 256];
    let mut regex = MaybeUninit::uninit();
    // SAFETY: the pattern is terminated; `regex` is written by regcomp, which needs no freeing where it
    // failed; `reason` has the room it says.
    unsafe {
        let code = libc::regcomp(regex.as_mut_ptr(), pattern.as_ptr(), libc::REG_EXTENDED | libc::REG_NOSUB);
        if code == 0 {
            libc::regfree(regex.as_mut_ptr());
            return None;
        }
        libc::regerror(code, regex.as_ptr(), reason.as_mut_ptr(), reason.len());
        Some(text(reason.as_ptr()))
    }
}
