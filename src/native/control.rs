//! What can be told to a running client, and what it tells of itself. Nothing here waits.

use std::ffi::CString;
use std::os::raw::c_char;

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::{check, take, text};
use super::library::printed;
use crate::model::error::KafkaError;
use crate::model::token::Token;

const ERROR_SPACE: usize = 512;

impl Client {
    /// librdkafka's own view of the client: brokers, topics, queues.
    pub fn dump(&self) -> String {
        // SAFETY: client and FILE are live.
        printed(|file| unsafe { rd::rd_kafka_dump(file, self.as_ptr()) })
    }

    /// `level` as syslog counts: 0 for emergencies, 7 for all.
    pub fn set_log_level(&self, level: i32) {
        // SAFETY: the client is live.
        unsafe { rd::rd_kafka_set_log_level(self.as_ptr(), level) };
    }

    /// New connections log in as this user.
    pub fn set_sasl_credentials(&self, user: &CString, password: &CString) -> Result<(), KafkaError> {
        // SAFETY: the client is live, both texts are terminated and copied; the error is ours.
        unsafe { take(rd::rd_kafka_sasl_set_credentials(self.as_ptr(), user.as_ptr(), password.as_ptr())) }
    }

    /// Log in with this token from now on. Says what is wrong with it otherwise.
    pub fn set_token(&self, token: &Token) -> Result<(), String> {
        let mut reason = [0 as c_char; ERROR_SPACE];
        let mut extensions: Vec<*const c_char> =
            token.extensions.iter().flat_map(|(name, value)| [name.as_ptr(), value.as_ptr()]).collect();
        // SAFETY: the client is live, all texts are terminated and copied, the array holds as many
        // pointers as it says, `reason` has the room it says and is terminated within.
        let (code, reason) = unsafe {
            let code = rd::rd_kafka_oauthbearer_set_token(
                self.as_ptr(),
                token.value.as_ptr(),
                token.expires_at,
                token.principal.as_ptr(),
                extensions.as_mut_ptr(),
                extensions.len(),
                reason.as_mut_ptr(),
                reason.len(),
            );
            (code, text(reason.as_ptr()))
        };
        check(code).map_err(|_| reason)
    }

    /// There is no token, for this reason. librdkafka asks again after ten seconds.
    pub fn refuse_token(&self, why: &CString) {
        // SAFETY: the client is live, the text terminated and copied. It can only fail where no
        // token was asked for.
        unsafe { rd::rd_kafka_oauthbearer_set_token_failure(self.as_ptr(), why.as_ptr()) };
    }
}
