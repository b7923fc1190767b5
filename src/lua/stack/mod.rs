//! The one place with raw Lua-stack code: userdata, metatables, hot calls, raising.
//!
//! Rules of the house: a body returns `Result` and everything it owns is dropped before an error
//! is raised; inside `catch_unwind` only calls that cannot raise (raw gets, conversions, pushes);
//! what may call a user's metamethod happens before, where nothing needs dropping.

// `L` is what every Lua source calls its state.
#![allow(non_snake_case)]

pub mod args;
pub mod arity;
pub mod batch;
pub mod block;
pub mod cold;
pub mod event;
pub mod message;
pub mod open;
pub mod outgoing;
#[cfg(feature = "probe")]
pub mod probe;
pub mod produce;
pub mod push;
pub mod queue;
pub mod raise;
pub mod receive;
pub mod record;
pub mod send;
pub mod serve;
