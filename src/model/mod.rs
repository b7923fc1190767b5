//! Plain values that every floor may name: no librdkafka, no Lua, no `unsafe`.

pub mod brokers;
pub mod checkpoint;
pub mod config;
pub mod error;
pub mod event;
pub mod group;
pub mod metadata;
pub mod nearest;
pub mod number;
pub mod partition;
pub mod property;
pub mod text;
pub mod token;
pub mod topic;
pub mod unacked;
