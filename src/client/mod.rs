//! Behaviour, in safe Rust: what a client does, without knowing who asks.

pub mod acks;
pub mod assignment;
pub mod clock;
pub mod config;
pub mod consumer;
pub mod effective;
pub mod exit;
pub mod feed;
pub mod feeds;
pub mod handle;
pub mod input;
pub mod leaving;
pub mod metadata_cache;
pub mod mock;
pub mod offsets;
pub mod patience;
pub mod prefetch;
pub mod producer;
pub mod producer_leaving;
pub mod question;
pub mod rebalance;
pub mod receiving;
pub mod registry;
pub mod topics;
pub mod transactions;
pub mod worker;
