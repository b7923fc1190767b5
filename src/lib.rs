//! `require "kafka"`: librdkafka for Lua 5.1-5.4 and LuaJIT.
//!
//! The floors, each of which uses only those below it:
//!
//! - [`lua`]: the Lua face, one file per class; raw stack code in `lua/stack` alone
//! - [`client`]: behaviour in safe Rust: closing, exit, fork, flushing, prefetching
//! - [`native`]: owners of librdkafka's handles and the callbacks that copy
//! - [`model`]: plain values
//!
//! docs/architecture.md tells why each stands where it does.

// A test binary has no interpreter to supply lua_*, so it holds the floors below only.
#![cfg_attr(test, allow(dead_code))]

mod client;
#[cfg(not(test))]
mod lua;
mod model;
mod native;
