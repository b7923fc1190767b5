//! A token that a program fetched for SASL/OAUTHBEARER.

use std::ffi::CString;

pub struct Token {
    pub value: CString,
    /// Milliseconds since 1970.
    pub expires_at: i64,
    pub principal: CString,
    pub extensions: Vec<(CString, CString)>,
}
