//! Owners of librdkafka's handles, one type each, and the callbacks that only copy.
//!
//! `unsafe` lives here and in `lua/stack`. Nothing here knows Lua; nothing here decides.

mod callbacks;
pub mod client;
pub mod commits;
pub mod conf;
pub mod consumer;
mod control;
pub mod counts;
pub mod error;
pub mod group;
pub mod group_metadata;
pub mod groups;
pub mod headers;
pub mod library;
pub mod message;
pub mod metadata;
pub mod mock;
pub mod offsets;
pub mod opaque;
pub mod partitioner;
pub mod partitions;
pub mod pattern;
pub mod positions;
pub mod process;
pub mod producer;
pub mod progress;
pub mod queue;
mod resolve;
pub mod shared;
pub mod simple;
pub mod thread;
pub mod topic;
pub mod transactions;
pub mod wake;
